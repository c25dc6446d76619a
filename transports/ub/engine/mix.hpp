// Integer mixing: bijections built of xor-shifts and odd multiplications modulo 2^64 (2^32). The
// same on every machine; the constants are part of the meaning of a digest and of a seed.
#pragma once

#include <cstdint>

namespace tutti::ub {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014; constants by Stafford, "Mix13").
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// One step of SplitMix64: numbers in a row give values that look random.
constexpr std::uint64_t split_mix64(std::uint64_t x) noexcept {
  return mix64(x + 0x9e3779b97f4a7c15u);
}

// The finaliser of MurmurHash3, 32 bits.
constexpr std::uint32_t permute32(std::uint32_t x) noexcept {
  x = (x ^ (x >> 16)) * 0x85ebca6bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return x ^ (x >> 16);
}

}  // namespace tutti::ub
