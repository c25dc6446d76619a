#include "sequence.hpp"

#include <algorithm>

#include "sampler.hpp"

namespace moe_engine {

Sequence::Sequence(const Request& request, const ModelConfig& config)
    : request_(request), context_(config.context), text_(request.prompt), cache_(config) {
  outcome_.digest = kEmptyDigest;
}

void Sequence::feed(std::size_t room, std::vector<Token>& batch) {
  const std::size_t end = fed_ + std::min(room, text_.size() - fed_);
  for (; fed_ < end; ++fed_) {
    const bool last = fed_ + 1 == text_.size() && request_.new_tokens > 0;
    batch.push_back({.cache = &cache_,
                     .position = fed_,
                     .byte = static_cast<std::uint8_t>(text_[fed_]),
                     .wants_logits = last || !request_.next.empty()});
  }
}

void Sequence::accept(std::span<const float> logits) {
  outcome_.digest = digest_of(logits, outcome_.digest);
  if (!request_.next.empty()) {
    outcome_.bits += bits_of(logits, static_cast<std::uint8_t>(request_.next[scored_++]));
    return;
  }
  text_.push_back(static_cast<char>(greedy(logits)));
  ++outcome_.written;
  // The last byte that was asked for is not read, nor one that no longer fits.
  ended_ = outcome_.written == request_.new_tokens || text_.size() > context_;
}

}  // namespace moe_engine
