#include "memory/free_ranges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tutti {
namespace {

TEST(FreeRanges, TakesTheLowestThatFits) {
  FreeRanges ranges(100);
  EXPECT_EQ(ranges.take(10, 1), 0u);
  EXPECT_EQ(ranges.take(10, 16), 16u);
  EXPECT_EQ(ranges.take(6, 1), 10u);
  EXPECT_EQ(ranges.take(75, 1), std::nullopt);
  EXPECT_EQ(ranges.take(74, 1), 26u);
  EXPECT_EQ(ranges.take(1, 1), std::nullopt);
  EXPECT_EQ(ranges.count(), 0u);
}

TEST(FreeRanges, NeighboursAreJoined) {
  FreeRanges ranges(30);
  for (std::size_t offset : {0u, 10u, 20u}) ASSERT_EQ(ranges.take(10, 1), offset);
  ranges.give(0, 10);
  ranges.give(20, 10);
  EXPECT_EQ(ranges.count(), 2u);
  ranges.give(10, 10);
  EXPECT_EQ(ranges.count(), 1u);
  EXPECT_EQ(ranges.take(30, 1), 0u);
}

TEST(FreeRanges, AgreesWithAMapOfBytesUnderRandomUse) {
  constexpr std::size_t kSize = 512;
  FreeRanges ranges(kSize);
  std::vector<bool> used(kSize, false);
  std::vector<std::pair<std::size_t, std::size_t>> taken;
  std::mt19937 random(7);
  const auto lowest_fit = [&](std::size_t bytes,
                              std::size_t alignment) -> std::optional<std::size_t> {
    for (std::size_t at = 0; at + bytes <= kSize; at += alignment)
      if (std::none_of(used.begin() + static_cast<long>(at),
                       used.begin() + static_cast<long>(at + bytes), [](bool b) { return b; }))
        return at;
    return std::nullopt;
  };
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0 || taken.empty()) {
      const std::size_t bytes = random() % 40 + 1;
      const std::size_t alignment = std::size_t{1} << random() % 6;
      const auto expected = lowest_fit(bytes, alignment);
      ASSERT_EQ(ranges.take(bytes, alignment), expected) << "step " << step;
      if (!expected) continue;
      for (std::size_t i = 0; i < bytes; ++i) used[*expected + i] = true;
      taken.emplace_back(*expected, bytes);
    } else {
      const std::size_t which = random() % taken.size();
      const auto [offset, bytes] = taken[which];
      ranges.give(offset, bytes);
      for (std::size_t i = 0; i < bytes; ++i) used[offset + i] = false;
      taken.erase(taken.begin() + static_cast<long>(which));
    }
  }
  for (const auto& [offset, bytes] : taken) ranges.give(offset, bytes);
  EXPECT_EQ(ranges.count(), 1u);
  EXPECT_EQ(ranges.take(kSize, 1), 0u);
}

}  // namespace
}  // namespace tutti
