// 16-bit floats for the serial oracle, one value at a time, rounding to nearest even.
#pragma once

#include <tutti/tutti.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace tutti::test {

inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline float from_bf16(std::uint16_t value) {
  return std::bit_cast<float>(std::uint32_t{value} << 16);
}

// Through exact arithmetic on the scale of the result's last place, not through bit tricks.
inline std::uint16_t to_fp16(float value) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000u : 0u;
  const double magnitude = std::abs(static_cast<double>(value));
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 65520.0) return static_cast<std::uint16_t>(sign | 0x7c00u);
  int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  const double units = std::nearbyint(std::ldexp(magnitude, 10 - exponent));  // ties to even
  const auto whole = static_cast<std::uint32_t>(units);  // 1024 is one in subnormals
  return static_cast<std::uint16_t>(sign |
                                    (whole + (static_cast<std::uint32_t>(exponent + 14) << 10)));
}

inline float from_fp16(std::uint16_t value) {
  const int exponent = value >> 10 & 31, fraction = value & 1023;
  float magnitude = 0;
  if (exponent == 31) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return (value & 0x8000) != 0 ? -magnitude : magnitude;
}

// Element `index` of an array of `type`: bf16, fp16 or fp32.
inline float load(const void* array, std::size_t index, tuttiDataType_t type) {
  if (type == tuttiFloat32) {
    float value = 0;
    std::memcpy(&value, static_cast<const char*>(array) + index * 4, 4);
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, static_cast<const char*>(array) + index * 2, 2);
  return type == tuttiFloat16 ? from_fp16(bits) : from_bf16(bits);
}

inline void store(void* array, std::size_t index, tuttiDataType_t type, float value) {
  if (type == tuttiFloat32) {
    std::memcpy(static_cast<char*>(array) + index * 4, &value, 4);
    return;
  }
  const std::uint16_t bits = type == tuttiFloat16 ? to_fp16(value) : to_bf16(value);
  std::memcpy(static_cast<char*>(array) + index * 2, &bits, 2);
}

inline float rounded(float value, tuttiDataType_t type) {
  float stored = 0;
  store(&stored, 0, type, value);
  return load(&stored, 0, type);
}

}  // namespace tutti::test
