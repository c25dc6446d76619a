// What a rank relays in a step: the parts of tokens that it reads at their sources, for its mates
// to read here.
//
// Memory shapes. Tokens are in the order of (source rank, token), n of them in all, and lie in the
// shareable heap:
//   table [R + 1 + n] of uint32: where the tokens of source r begin, and then the tokens
//   rows, side [n] parts each, beside them
#pragma once

#include <cstdint>
#include <span>

#include "moe/heap_block.hpp"
#include "moe/routing.hpp"

namespace tutti::moe {

class RelayBlock {
 public:
  // entries[r] = what source r sends here. No mate reads any more what was here before.
  void arrange(std::span<const std::span<const Entry>> entries);

  std::size_t tokens() const noexcept { return tokens_; }
  std::span<const std::uint32_t> table() const noexcept {
    return table_.as<std::uint32_t>().first(sources_ + 1 + tokens_);
  }
  // Where the parts of the source's tokens go in `rows` or `side`, one behind the other.
  std::byte* place_of(int source, const HeapBlock& parts, std::size_t bytes) const noexcept {
    return parts.data() + table_.as<std::uint32_t>()[static_cast<std::size_t>(source)] * bytes;
  }

  HeapBlock rows, side;  // for as many parts as there are tokens, before they are brought

  // Is a new token's part begun at entry `i`? Who relays and who reads count alike.
  static constexpr bool begins(std::span<const Entry> entries, std::size_t i) noexcept {
    return entries[i].via() == Entry::kRelayed &&
           (i == 0 || entries[i - 1].token != entries[i].token);
  }

 private:
  HeapBlock table_;
  std::size_t sources_ = 0;
  std::size_t tokens_ = 0;
};

}  // namespace tutti::moe
