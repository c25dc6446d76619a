// The peers' weighted sum against a plain one.
#include "perf/peers/weighted_sum.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tutti::perf {
namespace {

TEST(WeightedSum, IsRightForEveryRowCountAndOddLengths) {
  constexpr std::size_t kHidden = 2051;
  for (std::size_t n = 0; n <= 20; ++n) {
    std::vector<std::vector<std::uint16_t>> rows(n, std::vector<std::uint16_t>(kHidden));
    std::vector<const std::uint16_t*> pointers;
    std::vector<float> weights;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t h = 0; h < kHidden; ++h) {
        rows[i][h] = float_to_bf16(static_cast<float>((i * 13 + h * 7) % 101) - 50.0F);
      }
      pointers.push_back(rows[i].data());
      weights.push_back(0.25F * static_cast<float>(i + 1));  // products are exact
    }
    std::vector<std::uint16_t> out(kHidden + 1, 0xABCD);
    weighted_sum(pointers, weights, kHidden, out.data());
    for (std::size_t h = 0; h < kHidden; ++h) {
      float expected = 0;
      for (std::size_t i = 0; i < n; ++i) expected += weights[i] * bf16_to_float(rows[i][h]);
      ASSERT_EQ(out[h], float_to_bf16(expected)) << n << " rows, element " << h;
    }
    EXPECT_EQ(out[kHidden], 0xABCD) << "written behind the row";
  }
}

TEST(WeightedSum, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(float_to_bf16(1.0F), 0x3F80);
  EXPECT_EQ(float_to_bf16(1.0F + 0x1.0p-8F), 0x3F80);               // a tie, down to even
  EXPECT_EQ(float_to_bf16(1.0F + 0x1.8p-7F), 0x3F82);               // a tie, up to even
  EXPECT_EQ(float_to_bf16(1.0F + 0x1.0p-8F + 0x1.0p-20F), 0x3F81);  // above the tie
}

}  // namespace
}  // namespace tutti::perf
