#include "sampler.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace moe_engine {

std::uint8_t greedy(std::span<const float> logits) {
  return static_cast<std::uint8_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double bits_of(std::span<const float> logits, std::uint8_t token) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - most);
  return (std::log(sum) - (double{logits[token]} - most)) / std::log(2.0);
}

std::uint64_t digest_of(std::span<const float> values, std::uint64_t digest) {
  for (const float value : values) {
    digest = (digest ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3u;
  }
  return digest;
}

}  // namespace moe_engine
