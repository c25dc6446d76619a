#include "communicator/setup_exchange.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "communicator/children.hpp"
#include "tests/communicator/census.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

constexpr auto kPurpose = static_cast<SetupPurpose>(77);

std::vector<Rank> everyone(int ranks) {
  std::vector<Rank> members(static_cast<std::size_t>(ranks));
  std::iota(members.begin(), members.end(), 0);
  return members;
}

std::byte pattern(int rank, std::size_t i, int round) {
  return static_cast<std::byte>(static_cast<std::size_t>(rank) * 31 + i * 7 +
                                static_cast<std::size_t>(round) * 13);
}

class SetupExchangeTest : public ::testing::TestWithParam<int> {};

TEST_P(SetupExchangeTest, GathersBlobsOfAnySizeInMemberOrder) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    auto members = everyone(world.ranks());
    std::reverse(members.begin(), members.end());
    SetupExchange exchange(world[rank]->channel(), world[rank]->setup(), members, kPurpose, "test");
    ASSERT_EQ(exchange.ranks(), world.ranks());
    ASSERT_EQ(members[static_cast<std::size_t>(exchange.rank())], rank);
    int round = 0;
    for (const std::size_t bytes : {0u, 1u, 8u, 1000u, 1008u, 1009u, 5000u, 3u}) {
      std::vector<std::byte> mine(bytes);
      for (std::size_t i = 0; i < bytes; ++i) mine[i] = pattern(rank, i, round);
      std::vector<std::byte> all(bytes * members.size());
      exchange.all_gather(mine, all);
      for (std::size_t m = 0; m < members.size(); ++m) {
        for (std::size_t i = 0; i < bytes; ++i) {
          ASSERT_EQ(all[m * bytes + i], pattern(members[m], i, round)) << m << " " << i;
        }
      }
      ++round;
    }
    exchange.complete();
  });
}

TEST_P(SetupExchangeTest, ManyExchangesInARowDoNotMixUp) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    for (int i = 0; i < 200; ++i) {
      SetupExchange exchange(world[rank]->channel(), world[rank]->setup(), everyone(world.ranks()),
                             static_cast<SetupPurpose>(77 + i % 3), "test");
      const auto all = all_gather_value(exchange, 1000 * i + rank);
      for (int r = 0; r < world.ranks(); ++r) {
        ASSERT_EQ(all[static_cast<std::size_t>(r)], 1000 * i + r);
      }
      exchange.complete();
    }
  });
}

TEST_P(SetupExchangeTest, ADuplicateWorksBesideItsParentAndOutlivesIt) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    auto child = duplicate(*world[rank], "copy");
    auto grandchild = duplicate(*child, "copy of a copy");
    const std::uint64_t all = (std::uint64_t{1} << world.ranks()) - 1;
    EXPECT_EQ(census(child.get(), rank), all);
    EXPECT_EQ(census(world[rank], rank), all);
    EXPECT_EQ(tuttiCommDestroy(world.take(rank)), tuttiSuccess);
    EXPECT_EQ(census(grandchild.get(), rank), all);
    EXPECT_EQ(census(child.get(), rank), all);
  });
}

// Every exchange of many ranks that share few cores: none may give up because others are slow.
TEST(CrowdedSetup, RegistrationsAndSplitsInARowAllSucceed) {
  constexpr int kRanks = 96;
  ThreadWorld world(kRanks);
  on_ranks(kRanks, [&](int rank) {
    void* memory = nullptr;
    ASSERT_EQ(tuttiMemAlloc(&memory, 4096), tuttiSuccess) << tuttiGetLastError(nullptr);
    for (int i = 0; i < 20; ++i) {
      tuttiWindow_t window = nullptr;
      ASSERT_EQ(tuttiCommWindowRegister(world[rank], memory, 4096, &window,
                                        i % 2 == 0 ? TUTTI_WIN_COLL_SYMMETRIC : TUTTI_WIN_DEFAULT),
                tuttiSuccess)
          << tuttiGetLastError(world[rank]);
      ASSERT_EQ(tuttiCommWindowDeregister(world[rank], window), tuttiSuccess)
          << tuttiGetLastError(world[rank]);
    }
    for (int i = 0; i < 2; ++i) {
      tuttiComm_t part = nullptr;
      ASSERT_EQ(tuttiCommSplit(world[rank], rank % 2, -rank, &part, nullptr), tuttiSuccess)
          << tuttiGetLastError(world[rank]);
      int place = 0;
      EXPECT_EQ(tuttiCommUserRank(part, &place), tuttiSuccess);
      EXPECT_EQ(place, (kRanks - 1 - rank) / 2);
      EXPECT_EQ(tuttiCommDestroy(part), tuttiSuccess);
    }
    EXPECT_EQ(tuttiMemFree(memory), tuttiSuccess) << tuttiGetLastError(nullptr);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, SetupExchangeTest, ::testing::Values(1, 2, 3, 4, 7, 8));

}  // namespace
}  // namespace tutti::test
