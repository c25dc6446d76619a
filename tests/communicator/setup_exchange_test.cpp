#include "communicator/setup_exchange.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "communicator/children.hpp"
#include "tests/communicator/census.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

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

class SetupExchangeTest : public ::testing::TestWithParam<std::tuple<World, int>> {
 protected:
  static int ranks() { return std::get<1>(GetParam()); }
  static void run(const World::Body& body) { std::get<0>(GetParam()).run(ranks(), body); }
};

TEST_P(SetupExchangeTest, GathersBlobsOfAnySizeInMemberOrder) {
  run([](int rank, tuttiComm_t comm) {
    auto members = everyone(ranks());
    std::reverse(members.begin(), members.end());
    SetupExchange exchange(comm->channel(), comm->setup(), members, kPurpose, "test");
    ASSERT_EQ(exchange.ranks(), ranks());
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
  run([](int rank, tuttiComm_t comm) {
    for (int i = 0; i < 200; ++i) {
      SetupExchange exchange(comm->channel(), comm->setup(), everyone(ranks()),
                             static_cast<SetupPurpose>(77 + i % 3), "test");
      const auto all = all_gather_value(exchange, 1000 * i + rank);
      for (int r = 0; r < ranks(); ++r) {
        ASSERT_EQ(all[static_cast<std::size_t>(r)], 1000 * i + r);
      }
      exchange.complete();
    }
  });
}

TEST_P(SetupExchangeTest, ADuplicateWorksBesideItsParentAndOutlivesIt) {
  run([](int rank, tuttiComm_t comm) {
    Sibling parent(comm);
    auto child = duplicate(*tuttiComm_t{parent}, "copy");
    auto grandchild = duplicate(*child, "copy of a copy");
    const std::uint64_t all = (std::uint64_t{1} << ranks()) - 1;
    EXPECT_EQ(census(child.get(), rank), all);
    EXPECT_EQ(census(parent, rank), all);
    EXPECT_EQ(tuttiCommDestroy(parent.take()), tuttiSuccess);
    EXPECT_EQ(census(grandchild.get(), rank), all);
    EXPECT_EQ(census(child.get(), rank), all);
  });
}

class CrowdedSetup : public ::testing::TestWithParam<World> {};

// Every exchange of many ranks that share few cores: none may give up because others are slow.
TEST_P(CrowdedSetup, RegistrationsAndSplitsInARowAllSucceed) {
  constexpr int kRanks = 96;
  GetParam().run(kRanks, [](int rank, tuttiComm_t comm) {
    void* memory = nullptr;
    ASSERT_EQ(tuttiMemAlloc(&memory, 4096), tuttiSuccess) << tuttiGetLastError(nullptr);
    for (int i = 0; i < 20; ++i) {
      tuttiWindow_t window = nullptr;
      ASSERT_EQ(tuttiCommWindowRegister(comm, memory, 4096, &window,
                                        i % 2 == 0 ? TUTTI_WIN_COLL_SYMMETRIC : TUTTI_WIN_DEFAULT),
                tuttiSuccess)
          << tuttiGetLastError(comm);
      ASSERT_EQ(tuttiCommWindowDeregister(comm, window), tuttiSuccess) << tuttiGetLastError(comm);
    }
    for (int i = 0; i < 2; ++i) {
      tuttiComm_t part = nullptr;
      ASSERT_EQ(tuttiCommSplit(comm, rank % 2, -rank, &part, nullptr), tuttiSuccess)
          << tuttiGetLastError(comm);
      int place = 0;
      EXPECT_EQ(tuttiCommUserRank(part, &place), tuttiSuccess);
      EXPECT_EQ(place, (kRanks - 1 - rank) / 2);
      EXPECT_EQ(tuttiCommDestroy(part), tuttiSuccess);
    }
    EXPECT_EQ(tuttiMemFree(memory), tuttiSuccess) << tuttiGetLastError(nullptr);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, CrowdedSetup, ::testing::ValuesIn(worlds()),
                         ::testing::PrintToStringParamName());

INSTANTIATE_TEST_SUITE_P(Worlds, SetupExchangeTest,
                         ::testing::Combine(::testing::ValuesIn(worlds()),
                                            ::testing::ValuesIn(rank_counts())));

}  // namespace
}  // namespace tutti::test
