// bfloat16 as the examples store it: the upper half of a float, rounded to nearest even.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace example {

using Bf16 = std::uint16_t;

inline float widen(Bf16 value) { return std::bit_cast<float>(std::uint32_t{value} << 16); }

// Finite values only: the examples have no others.
inline Bf16 narrow(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<Bf16>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline void widen(const Bf16* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = widen(from[i]);
}

inline void narrow(const float* from, Bf16* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = narrow(from[i]);
}

}  // namespace example
