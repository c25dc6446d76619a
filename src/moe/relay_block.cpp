#include "moe/relay_block.hpp"

namespace tutti::moe {

void RelayBlock::arrange(std::span<const std::span<const Entry>> entries) {
  sources_ = entries.size();
  tokens_ = 0;
  for (const auto& of_source : entries) {
    for (std::size_t i = 0; i < of_source.size(); ++i) tokens_ += begins(of_source, i) ? 1 : 0;
  }
  table_.reserve((sources_ + 1 + tokens_) * sizeof(std::uint32_t));
  const auto table = table_.as<std::uint32_t>();
  std::uint32_t next = 0;
  for (std::size_t source = 0; source < sources_; ++source) {
    table[source] = next;
    const auto of_source = entries[source];
    for (std::size_t i = 0; i < of_source.size(); ++i) {
      if (begins(of_source, i)) table[sources_ + 1 + next++] = of_source[i].token;
    }
  }
  table[sources_] = next;
}

}  // namespace tutti::moe
