// out = sum of weight * row in float over BF16 rows, as an engine author would write it for one
// machine: compiled for the build machine's processor, fused multiply-add allowed, one rounding at
// the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tutti::perf {

inline float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// To nearest, ties to even. Not for NaN, which no row here holds.
inline std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

// rows.size() == weights.size(); no rows give zeros. `out` overlaps no row.
void weighted_sum(std::span<const std::uint16_t* const> rows, std::span<const float> weights,
                  std::size_t hidden, std::uint16_t* out);

}  // namespace tutti::perf
