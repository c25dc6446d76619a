#include "perf/tutti_perf/element.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/data_type.hpp"

namespace tutti::perf {
namespace {

// A binary floating format of up to 16 bits.
struct Format {
  int exponent_bits, mantissa_bits, bias;
  bool has_infinity;
  double largest;
};

Format format_of(tuttiDataType_t type) {
  switch (type) {
    case tuttiFloat16:
      return {5, 10, 15, true, 65504};
    case tuttiBfloat16:
      return {8, 7, 127, true, 0x1.fep127};
    case tuttiFloat8e4m3:  // the "fn" variant: no infinity, one NaN, one more binade
      return {4, 3, 7, false, 448};
    default:
      return {5, 2, 15, true, 57344};
  }
}

bool is_small_float(tuttiDataType_t type) {
  return type == tuttiFloat16 || type == tuttiBfloat16 || type == tuttiFloat8e4m3 ||
         type == tuttiFloat8e5m2;
}

double decode(std::uint32_t bits, const Format& format) {
  const std::uint32_t mantissa = bits & ((1u << format.mantissa_bits) - 1);
  const std::uint32_t exponent =
      (bits >> format.mantissa_bits) & ((1u << format.exponent_bits) - 1);
  const bool negative = (bits >> (format.mantissa_bits + format.exponent_bits)) & 1;
  const bool top = exponent == (1u << format.exponent_bits) - 1;
  double value;
  if (top && format.has_infinity) {
    value = mantissa == 0 ? HUGE_VAL : std::nan("");
  } else if (top && mantissa == (1u << format.mantissa_bits) - 1) {
    value = std::nan("");
  } else {
    const double fraction = mantissa + (exponent == 0 ? 0.0 : std::ldexp(1, format.mantissa_bits));
    const int power = std::max<int>(static_cast<int>(exponent), 1) - format.bias;
    value = std::ldexp(fraction, power - format.mantissa_bits);
  }
  return negative ? -value : value;
}

// Of a whole number that the format represents.
std::uint32_t encode(int number, const Format& format) {
  const std::uint32_t sign = number < 0 ? 1u << (format.mantissa_bits + format.exponent_bits) : 0;
  if (number == 0) return sign;
  int exponent = 0;
  const double fraction = std::frexp(std::abs(number), &exponent) * 2 - 1;  // 1.fraction * 2^(e-1)
  const auto mantissa = static_cast<std::uint32_t>(std::ldexp(fraction, format.mantissa_bits));
  const auto biased = static_cast<std::uint32_t>(exponent - 1 + format.bias);
  return sign | (biased << format.mantissa_bits) | mantissa;
}

template <class T>
T load(const void* buffer, std::size_t index) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(buffer) + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void store(void* buffer, std::size_t index, T value) {
  std::memcpy(static_cast<std::byte*>(buffer) + index * sizeof(T), &value, sizeof(T));
}

// The low bytes; this code runs on little-endian machines, as the library does.
void store_low(void* buffer, std::size_t index, std::size_t bytes, std::uint64_t value) {
  std::memcpy(static_cast<std::byte*>(buffer) + index * bytes, &value, bytes);
}

bool is_unsigned(tuttiDataType_t type) {
  return type == tuttiUint8 || type == tuttiUint32 || type == tuttiUint64;
}

}  // namespace

bool is_integer(tuttiDataType_t type) { return type <= tuttiUint64; }

int number_of(std::uint64_t code, tuttiDataType_t type, tuttiRedOp_t op, int ranks) {
  const auto n = static_cast<std::uint64_t>(ranks);
  // Few twos among ones: the product stays small and differs from index to index.
  if (op == tuttiProd) return code % (4 * n) < 9 ? 2 : 1;
  const bool small = size_of(type) <= 2;
  // An average must not depend on how wide its sum was.
  if (op == tuttiAvg && small && ranks > 15) return code % n < 8 ? 1 : 0;
  if (is_unsigned(type)) return static_cast<int>(code % (small ? 8 : 1021));
  return small ? static_cast<int>(code % 17) - 8 : static_cast<int>(code % 1021) - 510;
}

void store_number(void* buffer, std::size_t index, tuttiDataType_t type, int number) {
  if (type == tuttiFloat32) {
    store(buffer, index, static_cast<float>(number));
  } else if (type == tuttiFloat64) {
    store(buffer, index, static_cast<double>(number));
  } else if (is_small_float(type)) {
    store_low(buffer, index, size_of(type), encode(number, format_of(type)));
  } else {
    store_low(buffer, index, size_of(type),
              static_cast<std::uint64_t>(static_cast<std::int64_t>(number)));
  }
}

void store_code(void* buffer, std::size_t index, tuttiDataType_t type, std::uint64_t code) {
  store_low(buffer, index, size_of(type), code);
}

bool holds_code(const void* buffer, std::size_t index, tuttiDataType_t type, std::uint64_t code) {
  const std::size_t bytes = size_of(type);
  return std::memcmp(static_cast<const std::byte*>(buffer) + index * bytes, &code, bytes) == 0;
}

std::int64_t load_integer(const void* buffer, std::size_t index, tuttiDataType_t type) {
  std::uint64_t bits = 0;
  const std::size_t bytes = size_of(type);
  std::memcpy(&bits, static_cast<const std::byte*>(buffer) + index * bytes, bytes);
  return wrap(static_cast<std::int64_t>(bits), type);
}

double load_float(const void* buffer, std::size_t index, tuttiDataType_t type) {
  if (type == tuttiFloat32) return load<float>(buffer, index);
  if (type == tuttiFloat64) return load<double>(buffer, index);
  const std::uint32_t bits =
      size_of(type) == 1 ? load<std::uint8_t>(buffer, index) : load<std::uint16_t>(buffer, index);
  return decode(bits, format_of(type));
}

std::int64_t wrap(std::int64_t value, tuttiDataType_t type) {
  switch (type) {
    case tuttiInt8:
      return static_cast<std::int8_t>(value);
    case tuttiUint8:
      return static_cast<std::uint8_t>(value);
    case tuttiInt32:
      return static_cast<std::int32_t>(value);
    case tuttiUint32:
      return static_cast<std::uint32_t>(value);
    default:
      return value;
  }
}

double spacing_at(double value, tuttiDataType_t type) {
  if (type == tuttiFloat64) return std::nextafter(std::fabs(value), HUGE_VAL) - std::fabs(value);
  if (type == tuttiFloat32) {
    const auto near = static_cast<float>(std::fabs(value));
    return std::nextafter(near, HUGE_VALF) - near;
  }
  const Format format = format_of(type);
  int exponent = -format.bias;
  if (value != 0) std::frexp(value, &exponent);
  return std::ldexp(1, std::max(exponent - 1, 1 - format.bias) - format.mantissa_bits);
}

double round_to(double value, tuttiDataType_t type) {
  if (type == tuttiFloat64) return value;
  if (type == tuttiFloat32) return static_cast<float>(value);
  const Format format = format_of(type);
  const double step = spacing_at(value, type);
  const double rounded = std::nearbyint(value / step) * step;
  if (std::fabs(rounded) <= format.largest) return rounded;
  return std::copysign(size_of(type) == 1 ? format.largest : HUGE_VAL, value);
}

}  // namespace tutti::perf
