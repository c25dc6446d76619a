// Conversions between float and the 16- and 8-bit floats, to nearest even.
//
// The scalar functions are constexpr and define the result; the bulk ones give the same bits. NaN
// becomes the canonical quiet NaN in both directions. float16 and bfloat16 overflow to infinity.
// float8e4m3 (OCP e4m3fn: no infinities, largest 448) saturates, infinities too. float8e5m2
// saturates finite values at 57344 and keeps infinities.
#pragma once

#include <tutti/tutti.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tutti::kernels {

// A small binary float inside an unsigned integer: sign, exponent, mantissa.
struct FloatFormat {
  int exponent_bits;
  int mantissa_bits;
  std::uint32_t largest;   // the largest finite value
  std::uint32_t infinity;  // what float's infinity becomes; == largest where there is none
  std::uint32_t nan;
  bool saturates;  // finite values that round beyond `largest`

  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  constexpr int sign_shift() const { return exponent_bits + mantissa_bits; }
  constexpr int dropped_bits() const { return 23 - mantissa_bits; }
  // Bits of the float that is the smallest normal number of this format.
  constexpr std::uint32_t smallest_normal() const {
    return static_cast<std::uint32_t>(128 - bias()) << 23;
  }
  // Bits of the float whose last place is this format's smallest subnormal: adding it to a value
  // below smallest_normal() rounds that value, to nearest even, into the low bits of the sum.
  constexpr std::uint32_t subnormal_magic() const {
    return static_cast<std::uint32_t>(127 + 1 - bias() - mantissa_bits + 23) << 23;
  }
};

inline constexpr FloatFormat kFloat16{5, 10, 0x7bff, 0x7c00, 0x7e00, false};
inline constexpr FloatFormat kBfloat16{8, 7, 0x7f7f, 0x7f80, 0x7fc0, false};
inline constexpr FloatFormat kFloat8e4m3{4, 3, 0x7e, 0x7e, 0x7f, true};
inline constexpr FloatFormat kFloat8e5m2{5, 2, 0x7b, 0x7c, 0x7f, true};
inline constexpr std::uint32_t kFloatNan = 0x7fc00000;
inline constexpr std::uint64_t kDoubleNan = 0x7ff8000000000000;

// Bits of `format` for a float.
constexpr std::uint32_t narrow(const FloatFormat& format, float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 31 << format.sign_shift();
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return format.nan;
  if (magnitude == 0x7f800000) return sign | format.infinity;
  const int drop = format.dropped_bits();
  std::uint32_t result = 0;
  if (format.exponent_bits < 8 && magnitude < format.smallest_normal()) {
    const std::uint32_t magic = format.subnormal_magic();
    const float sum = std::bit_cast<float>(magnitude) + std::bit_cast<float>(magic);
    result = std::bit_cast<std::uint32_t>(sum) - magic;
  } else {
    const std::uint32_t odd = magnitude >> drop & 1;
    const std::uint32_t rounded = (magnitude + (1u << (drop - 1)) - 1 + odd) >> drop;
    result = rounded - (static_cast<std::uint32_t>(127 - format.bias()) << format.mantissa_bits);
  }
  if (result > format.largest) result = format.saturates ? format.largest : format.infinity;
  return sign | result;
}

// The float that `bits` of `format` stand for; exact.
constexpr float widen(const FloatFormat& format, std::uint32_t bits) {
  const std::uint32_t sign = bits >> format.sign_shift() << 31;
  const std::uint32_t magnitude = bits & ((1u << format.sign_shift()) - 1);
  if (magnitude > format.infinity) return std::bit_cast<float>(kFloatNan);
  if (magnitude == format.infinity && format.infinity != format.largest) {
    return std::bit_cast<float>(sign | 0x7f800000);
  }
  const int drop = format.dropped_bits();
  if (format.exponent_bits == 8) return std::bit_cast<float>(sign | magnitude << drop);
  if (magnitude >> format.mantissa_bits == 0) {
    const float base = std::bit_cast<float>(format.smallest_normal());
    const float sum = std::bit_cast<float>(format.smallest_normal() | magnitude << drop);
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(sum - base));
  }
  const std::uint32_t rebias = static_cast<std::uint32_t>(127 - format.bias()) << 23;
  return std::bit_cast<float>(sign | ((magnitude << drop) + rebias));
}

constexpr bool has_format(tuttiDataType_t type) {
  return type == tuttiFloat16 || type == tuttiBfloat16 || type == tuttiFloat8e4m3 ||
         type == tuttiFloat8e5m2;
}

// The format of a 16- or 8-bit float type (has_format).
constexpr const FloatFormat& format_of(tuttiDataType_t type) {
  if (type == tuttiFloat16) return kFloat16;
  if (type == tuttiBfloat16) return kBfloat16;
  return type == tuttiFloat8e4m3 ? kFloat8e4m3 : kFloat8e5m2;
}

// Bulk: `type` is float32 (a plain copy) or has_format(type); `narrowed` holds count elements of
// it, at any alignment. The buffers must not overlap.
void from_float(tuttiDataType_t type, std::byte* narrowed, const float* values, std::size_t count);
void to_float(tuttiDataType_t type, float* values, const std::byte* narrowed, std::size_t count);

}  // namespace tutti::kernels
