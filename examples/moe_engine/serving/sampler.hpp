// From logits to bytes and numbers.
#pragma once

#include <cstdint>
#include <span>

namespace moe_engine {

// The most probable one; of equals the first.
std::uint8_t greedy(std::span<const float> logits);

// -log2 of the probability of `token`.
double bits_of(std::span<const float> logits, std::uint8_t token);

// FNV-1a of the bits of `values`, continued from `digest`.
std::uint64_t digest_of(std::span<const float> values, std::uint64_t digest);
constexpr std::uint64_t kEmptyDigest = 0xcbf29ce484222325u;

}  // namespace moe_engine
