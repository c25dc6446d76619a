// Parcels have numbers of their own, and those of a rank lie in a row.
#include "transports/ub/bus/parcels.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace tutti::ub {
namespace {

constexpr std::size_t kCount = 40'000;  // more than a chunk

std::vector<Parcel*> take_all(Parcels& parcels) {
  std::vector<Parcel*> taken;
  for (std::size_t i = 0; i < kCount; ++i) taken.push_back(&parcels.take(0));
  return taken;
}

TEST(Parcels, AreFoundByTheirNumbers) {
  Parcels parcels(1);
  std::set<std::uint32_t> numbers;
  for (const Parcel* parcel : take_all(parcels)) {
    EXPECT_EQ(&parcels[parcel->number], parcel);
    EXPECT_TRUE(numbers.insert(parcel->number).second) << parcel->number << " twice";
  }
}

TEST(Parcels, AreNotTakenTwiceWhileOthersAreUnderWay) {
  Parcels parcels(1);
  std::vector<Parcel*> taken = take_all(parcels);
  std::set<Parcel*> under_way(taken.begin(), taken.end());
  for (std::size_t i = 0; i < kCount; i += 3) {
    parcels.give_back(*taken[i]);
    under_way.erase(taken[i]);
  }
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_TRUE(under_way.insert(&parcels.take(0)).second);
}

TEST(Parcels, OfOneRankLieInARow) {
  Parcels parcels(2);
  const Parcel* last[2] = {};
  for (std::uint32_t i = 0; i < 4 * RowNumbers::kRow; ++i) {
    for (int rank = 0; rank < 2; ++rank) {
      const Parcel* const parcel = &parcels.take(rank);
      if (i % RowNumbers::kRow != 0) {
        EXPECT_EQ(parcel, last[rank] + 1);
      }
      last[rank] = parcel;
    }
  }
}

}  // namespace
}  // namespace tutti::ub
