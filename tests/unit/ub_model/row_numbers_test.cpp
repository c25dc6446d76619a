// Numbers that an owner takes in a row are in a row, and nobody has one that is in use.
#include "transports/ub/model/row_numbers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace tutti::ub {
namespace {

constexpr std::size_t kOwners = 5;

TEST(RowNumbers, OfOneOwnerAreInARow) {
  RowNumbers numbers(kOwners);
  std::vector<std::uint32_t> last(kOwners);
  for (std::uint32_t i = 0; i < 10 * RowNumbers::kRow; ++i) {
    for (std::size_t owner = 0; owner < kOwners; ++owner) {
      const std::uint32_t number = numbers.take(owner);
      if (i % RowNumbers::kRow != 0) {
        EXPECT_EQ(number, last[owner] + 1);
      }
      last[owner] = number;
    }
  }
}

TEST(RowNumbers, AreNotTakenTwice) {
  RowNumbers numbers(kOwners);
  std::mt19937_64 random(1);
  std::vector<std::uint32_t> in_use;
  std::set<std::uint32_t> known;
  std::size_t most = 0;
  for (int i = 0; i < 200'000; ++i) {
    // Now more are taken than given back, now fewer.
    if (in_use.empty() || random() % 8 < (i / 5000 % 2 == 0 ? 5u : 3u)) {
      in_use.push_back(numbers.take(random() % kOwners));
      EXPECT_TRUE(known.insert(in_use.back()).second) << in_use.back() << " is in use";
      EXPECT_LT(in_use.back(), numbers.size());
      most = std::max(most, in_use.size());
      continue;
    }
    std::swap(in_use[random() % in_use.size()], in_use.back());
    numbers.give_back(in_use.back());
    known.erase(in_use.back());
    in_use.pop_back();
  }
  EXPECT_GT(most, 10 * RowNumbers::kRow);
}

// Rows are used again, whoever had them.
TEST(RowNumbers, DoNotGrowWithUse) {
  RowNumbers numbers(kOwners);
  std::vector<std::uint32_t> in_use;
  for (int round = 0; round < 100; ++round) {
    for (std::size_t i = 0; i < std::size_t{20} * RowNumbers::kRow; ++i) {
      in_use.push_back(numbers.take((i / 7 + static_cast<std::size_t>(round)) % kOwners));
    }
    for (const std::uint32_t number : in_use) numbers.give_back(number);
    in_use.clear();
  }
  EXPECT_LE(numbers.size(), (20 + 2 * kOwners) * RowNumbers::kRow);
}

}  // namespace
}  // namespace tutti::ub
