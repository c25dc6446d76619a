// The small floats: scalar conversions against a table made from the definition of each format,
// bulk ones against the scalar ones, bit by bit.
#include "kernels/convert.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/data_type.hpp"
#include "each_target.hpp"

namespace tutti::kernels {
namespace {

static_assert(narrow(kBfloat16, 1.0f) == 0x3f80);
static_assert(narrow(kFloat16, 65520.0f) == 0x7c00);
static_assert(narrow(kFloat8e4m3, 1e30f) == 0x7e);
static_assert(narrow(kFloat8e5m2, -1e30f) == 0xfb);
static_assert(widen(kFloat8e4m3, 0x7e) == 448.0f);
static_assert(widen(kFloat8e5m2, 0x7b) == 57344.0f);

constexpr tuttiDataType_t kTypes[] = {tuttiFloat16, tuttiBfloat16, tuttiFloat8e4m3,
                                      tuttiFloat8e5m2};

// What a finite magnitude stands for, from the definition.
double value_of(const FloatFormat& format, std::uint32_t magnitude) {
  const int exponent = static_cast<int>(magnitude >> format.mantissa_bits);
  const double mantissa = magnitude & ((1u << format.mantissa_bits) - 1);
  const double fraction = std::ldexp(mantissa, -format.mantissa_bits);
  if (exponent == 0) return std::ldexp(fraction, 1 - format.bias());
  return std::ldexp(1 + fraction, exponent - format.bias());
}

// Nearest in the table, ties to the even code; beyond the table by the format's rule.
std::uint32_t nearest(const FloatFormat& format, const std::vector<double>& table, double value) {
  const auto above = std::lower_bound(table.begin(), table.end(), value);
  if (above == table.end()) {
    const double last_step = table.back() - table[table.size() - 2];
    const bool rounds_to_largest = value < table.back() + last_step / 2;
    return rounds_to_largest || format.saturates ? format.largest : format.infinity;
  }
  const auto code = static_cast<std::uint32_t>(above - table.begin());
  if (code == 0) return 0;
  const double to_above = *above - value;
  const double to_below = value - table[code - 1];
  if (to_above != to_below) return to_above < to_below ? code : code - 1;
  return code % 2 == 0 ? code : code - 1;
}

TEST(Convert, WidenIsTheDefinitionOfEveryCode) {
  for (const tuttiDataType_t type : kTypes) {
    const FloatFormat& format = format_of(type);
    const std::uint32_t sign = 1u << format.sign_shift();
    for (std::uint32_t code = 0; code < sign; ++code) {
      const float plus = widen(format, code);
      const float minus = widen(format, sign | code);
      if (code <= format.largest) {
        ASSERT_EQ(plus, value_of(format, code)) << name_of(type) << " code " << code;
        ASSERT_EQ(std::signbit(minus), true);
        ASSERT_EQ(-minus, plus);
      } else if (code == format.infinity) {
        ASSERT_EQ(plus, std::numeric_limits<float>::infinity());
        ASSERT_EQ(minus, -std::numeric_limits<float>::infinity());
      } else {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(plus), kFloatNan);
        ASSERT_EQ(std::bit_cast<std::uint32_t>(minus), kFloatNan);
      }
    }
  }
}

TEST(Convert, NarrowTakesTheNearestAndTiesToEven) {
  for (const tuttiDataType_t type : kTypes) {
    const FloatFormat& format = format_of(type);
    std::vector<double> table;
    for (std::uint32_t c = 0; c <= format.largest; ++c) table.push_back(value_of(format, c));
    const auto check = [&](float value) {
      const std::uint32_t wanted = nearest(format, table, std::fabs(value)) |
                                   (std::signbit(value) ? 1u << format.sign_shift() : 0);
      ASSERT_EQ(narrow(format, value), wanted) << name_of(type) << " of " << value;
    };
    // Every code, every midpoint, and the floats beside the midpoints.
    for (std::uint32_t c = 0; c + 1 <= format.largest; ++c) {
      const auto middle = static_cast<float>((table[c] + table[c + 1]) / 2);
      for (const float value : {static_cast<float>(table[c]), middle, std::nextafter(middle, 0.0f),
                                std::nextafter(middle, 1e38f)}) {
        check(value);
        check(-value);
      }
    }
    std::mt19937 random(1);
    for (int i = 0; i < 200000; ++i) {
      const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (std::isfinite(value)) check(value);
    }
  }
}

TEST(Convert, NarrowKeepsNanAndTreatsInfinityAsDocumented) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const tuttiDataType_t type : kTypes) {
    const FloatFormat& format = format_of(type);
    for (const std::uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu}) {
      EXPECT_EQ(narrow(format, std::bit_cast<float>(bits)), format.nan) << name_of(type);
    }
    EXPECT_EQ(narrow(format, infinity), format.infinity);
    EXPECT_EQ(narrow(format, -infinity), format.infinity | 1u << format.sign_shift());
  }
}

TEST(Convert, BulkGivesTheBitsOfTheScalar) {
  std::vector<float> values;
  std::mt19937 random(2);
  for (int i = 0; i < 20011; ++i) {
    std::uint32_t bits = static_cast<std::uint32_t>(random());
    if (i % 2 == 0) bits = (bits & 0x83ffffff) | 0x3c000000;   // magnitudes about 1
    if (i % 17 == 0) bits = (bits & 0x807fffff) | 0x7f800000;  // infinities' and NaNs' exponent
    if (i % 51 == 0) bits &= 0xff800000;
    values.push_back(std::bit_cast<float>(bits));
  }
  for (const tuttiDataType_t type : kTypes) {
    const FloatFormat& format = format_of(type);
    const std::size_t size = size_of(type);
    on_each_target([&] {
      for (const std::size_t count :
           {std::size_t{0}, std::size_t{1}, std::size_t{19}, values.size()}) {
        std::vector<std::byte> narrowed(count * size);
        from_float(type, narrowed.data(), values.data(), count);
        std::vector<float> widened(count);
        to_float(type, widened.data(), narrowed.data(), count);
        for (std::size_t i = 0; i < count; ++i) {
          std::uint32_t code = 0;
          std::memcpy(&code, narrowed.data() + i * size, size);
          ASSERT_EQ(code, narrow(format, values[i])) << name_of(type) << " of " << values[i];
          ASSERT_EQ(std::bit_cast<std::uint32_t>(widened[i]),
                    std::bit_cast<std::uint32_t>(widen(format, code)));
        }
      }
    });
  }
}

TEST(Convert, BulkWidensEveryCode) {
  for (const tuttiDataType_t type : kTypes) {
    const FloatFormat& format = format_of(type);
    const std::size_t size = size_of(type);
    const std::size_t codes = std::size_t{1} << (8 * size);
    std::vector<std::byte> narrowed(codes * size);
    for (std::size_t c = 0; c < codes; ++c) std::memcpy(narrowed.data() + c * size, &c, size);
    on_each_target([&] {
      std::vector<float> widened(codes);
      to_float(type, widened.data(), narrowed.data(), codes);
      for (std::size_t c = 0; c < codes; ++c) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(widened[c]),
                  std::bit_cast<std::uint32_t>(widen(format, static_cast<std::uint32_t>(c))));
      }
    });
  }
}

}  // namespace
}  // namespace tutti::kernels
