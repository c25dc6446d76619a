// The serial reference of the reductions, one element at a time, and inputs that are hard on them.
#pragma once

#include <tutti/tutti.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "base/data_type.hpp"
#include "kernels/convert.hpp"

namespace tutti::kernels {

inline std::uint64_t element(tuttiDataType_t type, const std::byte* buffer, std::size_t i) {
  std::uint64_t word = 0;
  std::memcpy(&word, buffer + i * size_of(type), size_of(type));
  return word;
}

inline bool is_integer(tuttiDataType_t type) { return type <= tuttiUint64; }
inline bool is_signed(tuttiDataType_t type) {
  return type == tuttiInt8 || type == tuttiInt32 || type == tuttiInt64;
}

// Words with the element in their low bytes, as the accumulation type sees them.
inline std::int64_t as_signed(tuttiDataType_t type, std::uint64_t word) {
  const int unused = 64 - 8 * static_cast<int>(size_of(type));
  return static_cast<std::int64_t>(word << unused) >> unused;
}
inline double as_float(tuttiDataType_t type, std::uint64_t word) {
  if (type == tuttiFloat64) return std::bit_cast<double>(word);
  const auto low = static_cast<std::uint32_t>(word);
  if (type == tuttiFloat32) return static_cast<double>(std::bit_cast<float>(low));
  return static_cast<double>(widen(format_of(type), low));
}
inline std::uint64_t from_double(tuttiDataType_t type, double value) {
  if (type == tuttiFloat64) {
    return std::isnan(value) ? kDoubleNan : std::bit_cast<std::uint64_t>(value);
  }
  const auto narrowed = static_cast<float>(value);  // exact: it was computed in float
  if (type == tuttiFloat32) {
    return std::isnan(narrowed) ? kFloatNan : std::bit_cast<std::uint32_t>(narrowed);
  }
  return narrow(format_of(type), narrowed);
}

inline std::uint64_t reference_integer(tuttiDataType_t type, tuttiRedOp_t op, int divisor,
                                       std::span<const std::uint64_t> words) {
  std::uint64_t result = words[0];
  for (const std::uint64_t word : words.subspan(1)) {
    const bool less =
        is_signed(type) ? as_signed(type, word) < as_signed(type, result) : word < result;
    if (op == tuttiSum || op == tuttiAvg) result += word;
    if (op == tuttiProd) result *= word;
    if (op == tuttiMax && !less) result = word;
    if (op == tuttiMin && less) result = word;
  }
  if (op != tuttiAvg) return result;
  if (is_signed(type)) return static_cast<std::uint64_t>(as_signed(type, result) / divisor);
  const std::uint64_t mask = size_of(type) == 8 ? ~0ull : (1ull << (8 * size_of(type))) - 1;
  return (result & mask) / static_cast<std::uint64_t>(divisor);
}

// T is the accumulation type.
template <typename T>
std::uint64_t reference_float(tuttiDataType_t type, tuttiRedOp_t op, int divisor,
                              std::span<const std::uint64_t> words) {
  T result = static_cast<T>(as_float(type, words[0]));
  for (const std::uint64_t word : words.subspan(1)) {
    const T value = static_cast<T>(as_float(type, word));
    if (op == tuttiSum || op == tuttiAvg) result = result + value;
    if (op == tuttiProd) result = result * value;
    if (op != tuttiMax && op != tuttiMin) continue;
    const bool tie_below = value == result && std::signbit(value) && !std::signbit(result);
    const bool tie_above = value == result && !std::signbit(value) && std::signbit(result);
    const bool wins = op == tuttiMax ? value > result || tie_above : value < result || tie_below;
    if (std::isnan(value) || (!std::isnan(result) && wins)) result = value;
  }
  if (op == tuttiAvg) result = result / static_cast<T>(divisor);
  return from_double(type, static_cast<double>(result));
}

// The low bytes of the result are the element.
inline std::uint64_t reference_element(tuttiDataType_t type, tuttiRedOp_t op, int divisor,
                                       std::span<const std::uint64_t> words) {
  if (is_integer(type)) return reference_integer(type, op, divisor, words);
  if (type == tuttiFloat64) return reference_float<double>(type, op, divisor, words);
  return reference_float<float>(type, op, divisor, words);
}

inline std::vector<std::byte> reference_reduce(tuttiDataType_t type, tuttiRedOp_t op, int divisor,
                                               std::span<const std::byte* const> sources,
                                               std::size_t count) {
  std::vector<std::byte> result(count * size_of(type));
  std::vector<std::uint64_t> words(sources.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t s = 0; s < sources.size(); ++s) words[s] = element(type, sources[s], i);
    const std::uint64_t word = reference_element(type, op, divisor, words);
    std::memcpy(result.data() + i * size_of(type), &word, size_of(type));
  }
  return result;
}

// Ordinary values of about 1, or any bits with zeros, infinities, NaNs and subnormals among them.
enum class Inputs { ordinary, any_bits };

inline std::uint64_t input_word(tuttiDataType_t type, Inputs inputs, std::mt19937_64& random) {
  const std::uint64_t bits = random();
  if (inputs == Inputs::ordinary && !is_integer(type)) {
    const double value = (static_cast<double>(bits >> 40) / 0x1p24 - 0.5) * 8;
    return from_double(type, type == tuttiFloat64 ? value : static_cast<float>(value));
  }
  if (is_integer(type) || (bits >> 60) != 0) return random();
  const int size = 8 * static_cast<int>(size_of(type));
  const std::uint64_t sign = (bits >> 59 & 1) << (size - 1);
  const double kInfinity = std::numeric_limits<double>::infinity();
  switch (bits % 4) {
    case 0:
      return sign;  // zeros of both signs
    case 1:
      return sign | from_double(type, kInfinity);
    case 2:
      return sign | from_double(type, std::nan(""));
    default:
      return sign | (random() & 3);  // the smallest subnormals
  }
}

inline std::vector<std::byte> input_buffer(tuttiDataType_t type, std::size_t count, Inputs inputs,
                                           std::mt19937_64& random) {
  std::vector<std::byte> buffer(count * size_of(type));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = input_word(type, inputs, random);
    std::memcpy(buffer.data() + i * size_of(type), &word, size_of(type));
  }
  return buffer;
}

}  // namespace tutti::kernels
