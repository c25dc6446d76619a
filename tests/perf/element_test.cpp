// Inputs and rounding of small types, against values known from their definitions.
#include "perf/tutti_perf/element.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/data_type.hpp"

namespace tutti::perf {
namespace {

TEST(PerfElement, KnownBitsDecode) {
  const std::uint8_t e4m3[] = {0x7e, 0x38, 0x01};  // largest, 1, smallest
  EXPECT_EQ(load_float(e4m3, 0, tuttiFloat8e4m3), 448);
  EXPECT_EQ(load_float(e4m3, 1, tuttiFloat8e4m3), 1);
  EXPECT_EQ(load_float(e4m3, 2, tuttiFloat8e4m3), 0x1p-9);
  const std::uint8_t e5m2[] = {0x7b, 0x7c};
  EXPECT_EQ(load_float(e5m2, 0, tuttiFloat8e5m2), 57344);
  EXPECT_TRUE(std::isinf(load_float(e5m2, 1, tuttiFloat8e5m2)));
  const std::uint16_t half[] = {0x3c00, 0x7bff, 0xc000};
  EXPECT_EQ(load_float(half, 0, tuttiFloat16), 1);
  EXPECT_EQ(load_float(half, 1, tuttiFloat16), 65504);
  EXPECT_EQ(load_float(half, 2, tuttiFloat16), -2);
  const std::uint16_t bfloat[] = {0x4049};
  EXPECT_EQ(load_float(bfloat, 0, tuttiBfloat16), 3.140625);
}

TEST(PerfElement, RoundingIsToNearestEven) {
  EXPECT_EQ(round_to(257, tuttiBfloat16), 256);
  EXPECT_EQ(round_to(259, tuttiBfloat16), 260);
  EXPECT_EQ(round_to(17, tuttiFloat8e4m3), 16);
  EXPECT_EQ(round_to(19, tuttiFloat8e4m3), 20);
  EXPECT_EQ(round_to(9, tuttiFloat8e5m2), 8);
  EXPECT_EQ(round_to(2049, tuttiFloat16), 2048);
}

TEST(PerfElement, EightBitFloatsSaturateAndHalfOverflows) {
  EXPECT_EQ(round_to(1000, tuttiFloat8e4m3), 448);
  EXPECT_EQ(round_to(-1e6, tuttiFloat8e5m2), -57344);
  EXPECT_TRUE(std::isinf(round_to(70000, tuttiFloat16)));
}

TEST(PerfElement, EveryInputIsExactInItsType) {
  std::array<std::byte, 8> memory{};
  for (int t = 0; t < tuttiNumTypes; ++t) {
    for (int op = 0; op < tuttiNumOps; ++op) {
      for (std::size_t i = 0; i < 200; ++i) {
        const auto type = static_cast<tuttiDataType_t>(t);
        const int number = number_of(code_of(1, 0, i), type, static_cast<tuttiRedOp_t>(op),
                                     1 + static_cast<int>(i));
        store_number(memory.data(), 0, type, number);
        const double back = is_integer(type)
                                ? static_cast<double>(load_integer(memory.data(), 0, type))
                                : load_float(memory.data(), 0, type);
        ASSERT_EQ(back, number) << name_of(type);
      }
    }
  }
}

TEST(PerfElement, IntegersWrap) {
  EXPECT_EQ(wrap(128, tuttiInt8), -128);
  EXPECT_EQ(wrap(-1, tuttiUint8), 255);
  EXPECT_EQ(wrap(std::int64_t{1} << 32, tuttiInt32), 0);
}

}  // namespace
}  // namespace tutti::perf
