#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/scale.hpp"
#include "world.hpp"

namespace tutti::ub {
namespace {

// 20 ranks act at the same two times; who acted, in order.
std::vector<int> order(std::optional<std::uint64_t> seed, bool events) {
  World world({.stack_bytes = 64 << 10, .reorder_seed = seed});
  Scheduler& s = world.scheduler;
  std::vector<int> acted;
  for (int rank = 0; rank < 20; ++rank) {
    world.spawn(rank, [&, rank] {
      for (int i = 0; i < 2; ++i) {
        if (events) s.at(s.now() + ps(5), {.rank = rank}, [&, rank] { acted.push_back(rank); });
        s.advance(ps(5));
        if (!events) acted.push_back(rank);
      }
    });
  }
  EXPECT_EQ(s.run(), Scheduler::End::kFinished);
  return acted;
}

TEST(HostileOrder, ASeedPermutesEqualsAndNothingElse) {
  constexpr std::uint64_t kSeeds = test::kSanitized ? 5 : 50;
  for (const bool events : {false, true}) {
    std::set<std::vector<int>> seen;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      std::vector<int> acted = order(seed, events);
      EXPECT_EQ(acted, order(seed, events)) << "deterministic";
      EXPECT_FALSE(std::equal(acted.begin(), acted.begin() + 20, acted.begin() + 20))
          << "another order at another time";
      seen.insert(acted);
      for (const auto half : {acted.begin(), acted.begin() + 20}) {
        std::sort(half, half + 20);
        for (int rank = 0; rank < 20; ++rank) EXPECT_EQ(half[rank], rank);
      }
    }
    EXPECT_EQ(seen.size(), kSeeds);
  }
}

TEST(HostileOrder, WithoutASeedRanksAreInOrder) {
  for (const bool events : {false, true}) {
    const std::vector<int> acted = order({}, events);
    EXPECT_TRUE(std::is_sorted(acted.begin(), acted.begin() + 20));
    EXPECT_TRUE(std::is_sorted(acted.begin() + 20, acted.end()));
  }
}

TEST(HostileOrder, SeedsAreEqualOnAllMachines) {
  const Placement placement(42);
  EXPECT_EQ(placement.place(Picoseconds(0), {.rank = 0}), 1'623'218'095u);
  EXPECT_EQ(placement.place(Picoseconds(123'456'789), {.rank = 383, .stream = 2}), 3'687'201'892u);
}

TEST(HostileOrder, DifferentEntitiesNeverShareAPlace) {
  const Placement placement(7);
  std::set<std::uint32_t> places;
  for (int rank = -1; rank < 2000; ++rank) {
    for (int stream = 0; stream < 4; ++stream) {
      places.insert(placement.place(Picoseconds(99), {.rank = rank, .stream = stream}));
    }
  }
  EXPECT_EQ(places.size(), 2001u * 4);
}

TEST(HostileOrder, TheCodesOfEntitiesAscend) {
  const Entity first{}, last{.rank = Entity::kMaxRanks - 1, .stream = Entity::kMaxStreams - 1};
  EXPECT_LT(first.code(), (Entity{.rank = 0}).code());
  EXPECT_LT((Entity{.rank = 0, .stream = Entity::kMaxStreams - 1}).code(),
            (Entity{.rank = 1}).code());
  EXPECT_EQ(last.code(), ~0u);
}

}  // namespace
}  // namespace tutti::ub
