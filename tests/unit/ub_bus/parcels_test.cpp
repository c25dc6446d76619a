// Parcels have numbers of their own, and start again in order when all are back.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "transports/ub/bus/parcel.hpp"

namespace tutti::ub {
namespace {

constexpr std::size_t kCount = 2500;  // more than a chunk

std::vector<Parcel*> take_all(Parcels& parcels) {
  std::vector<Parcel*> taken;
  for (std::size_t i = 0; i < kCount; ++i) taken.push_back(&parcels.take());
  return taken;
}

TEST(Parcels, AreFoundByTheirNumbers) {
  Parcels parcels;
  std::set<std::uint32_t> numbers;
  for (const Parcel* parcel : take_all(parcels)) {
    EXPECT_EQ(&parcels[parcel->number], parcel);
    EXPECT_TRUE(numbers.insert(parcel->number).second) << parcel->number << " twice";
  }
}

TEST(Parcels, AreNotTakenTwiceWhileOthersAreUnderWay) {
  Parcels parcels;
  std::vector<Parcel*> taken = take_all(parcels);
  std::set<Parcel*> under_way(taken.begin(), taken.end());
  for (std::size_t i = 0; i < kCount; i += 3) {
    parcels.give_back(*taken[i]);
    under_way.erase(taken[i]);
  }
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_TRUE(under_way.insert(&parcels.take()).second);
}

TEST(Parcels, StartAgainInOrderWhenNoneIsUnderWay) {
  Parcels parcels;
  for (int round = 0; round < 3; ++round) {
    std::vector<Parcel*> taken = take_all(parcels);
    for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(taken[i]->number, i);
    for (std::size_t i = 0; i < kCount; ++i) parcels.give_back(*taken[i * 7 % kCount]);
  }
}

}  // namespace
}  // namespace tutti::ub
