#include "transports/packets/arrival.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/packets/region_fabric.hpp"

namespace tutti::packets {
namespace {

class Arrivals : public testing::Test {
 protected:
  RegionFabric fabric_{false};
  RegionCache regions_{fabric_};
  Landings landings_;
  std::vector<std::byte> place_ = std::vector<std::byte>(1000);
};

TEST_F(Arrivals, IsOverWithTheLastWriteThatBringsItsNumber) {
  Arrival arrival(regions_, landings_);
  const auto grant = arrival.open({.number = 7, .writes = 3}, place_, nullptr);
  ASSERT_TRUE(grant);
  EXPECT_TRUE(fabric_.is_open(grant->to.key));
  EXPECT_FALSE(arrival.on_written(grant->landing));
  EXPECT_FALSE(arrival.on_written(grant->landing + 1)) << "another transfer's";
  EXPECT_FALSE(arrival.on_written(grant->landing));
  EXPECT_TRUE(arrival.is_of(7));
  EXPECT_TRUE(arrival.on_written(grant->landing));
  EXPECT_FALSE(arrival.is_awaited());
  EXPECT_FALSE(fabric_.is_open(grant->to.key));
  EXPECT_TRUE(landings_.empty());
}

TEST_F(Arrivals, AfterAFailureWhatComesLateCountsForNothingAndChangesNothing) {
  Arrival arrival(regions_, landings_);
  const auto first = arrival.open({.number = 7, .writes = 2}, place_, nullptr);
  ASSERT_TRUE(first);
  EXPECT_FALSE(arrival.on_written(first->landing));
  const auto second = arrival.reopen(nullptr);
  ASSERT_TRUE(second);
  EXPECT_NE(second->landing, first->landing);
  EXPECT_FALSE(fabric_.is_open(first->to.key));
  EXPECT_FALSE(arrival.on_written(first->landing));
  EXPECT_FALSE(arrival.on_written(second->landing)) << "all are written again";
  EXPECT_TRUE(arrival.on_written(second->landing));
}

TEST_F(Arrivals, WhosePlaceGoesIsStillAwaitedButNotWrittenThere) {
  Arrival arrival(regions_, landings_);
  const auto grant = arrival.open({.number = 7, .writes = 1}, place_, nullptr);
  ASSERT_TRUE(grant);
  arrival.lose_place();
  EXPECT_FALSE(fabric_.is_open(grant->to.key));
  EXPECT_TRUE(arrival.is_awaited());
  EXPECT_TRUE(arrival.on_written(grant->landing)) << "it had left before";
}

TEST_F(Arrivals, WithoutAPlaceNothingIsGranted) {
  Arrival arrival(regions_, landings_);
  EXPECT_FALSE(arrival.open({.number = 7, .writes = 1}, {}, nullptr));
  fabric_.most_places = 0;
  EXPECT_FALSE(arrival.open({.number = 7, .writes = 1}, place_, nullptr));
  EXPECT_FALSE(arrival.is_awaited());
}

TEST(LandingsOfAProcess, NumbersAreNotUsedAgainAtOnce) {
  Landings landings;
  const std::uint32_t first = landings.add(nullptr);
  landings.remove(first);
  EXPECT_NE(landings.add(nullptr), first);
}

}  // namespace
}  // namespace tutti::packets
