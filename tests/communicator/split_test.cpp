#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <numeric>
#include <string>

#include "tests/communicator/census.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

class Split : public ::testing::TestWithParam<int> {};

tuttiComm_t split(tuttiComm_t comm, int color, int key) {
  tuttiComm_t child = nullptr;
  EXPECT_EQ(tuttiCommSplit(comm, color, key, &child, nullptr), tuttiSuccess)
      << tuttiGetLastError(comm);
  return child;
}

int rank_in(tuttiComm_t comm) {
  int rank = -1;
  EXPECT_EQ(tuttiCommUserRank(comm, &rank), tuttiSuccess);
  return rank;
}

TEST_P(Split, ColorsFormCommunicatorsOfTheirOwn) {
  for (int colors = 1; colors <= GetParam(); ++colors) {
    ThreadWorld world(GetParam());
    on_ranks(world.ranks(), [&](int rank) {
      const tuttiComm_t child = split(world[rank], rank % colors, 0);
      ASSERT_NE(child, nullptr);
      EXPECT_EQ(rank_in(child), rank / colors);
      std::uint64_t expected = 0;
      for (int r = rank % colors; r < world.ranks(); r += colors) expected |= 1u << r;
      // Colors run beside each other, and beside the parent.
      for (int i = 0; i < 20; ++i) ASSERT_EQ(census(child, rank), expected);
      ASSERT_EQ(census(world[rank], rank), (1u << world.ranks()) - 1);
      ASSERT_EQ(census(child, rank), expected);
      EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
    });
  }
}

TEST_P(Split, KeysOrderRanksAndEqualKeysKeepTheirOrder) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    const tuttiComm_t reversed = split(world[rank], 5, -rank);
    EXPECT_EQ(rank_in(reversed), world.ranks() - 1 - rank);
    const tuttiComm_t halves = split(world[rank], 5, rank % 2);
    const int evens = (world.ranks() + 1) / 2;
    EXPECT_EQ(rank_in(halves), rank % 2 == 0 ? rank / 2 : evens + rank / 2);
    // Data goes where the new ranks say.
    std::vector<int> rows(static_cast<std::size_t>(world.ranks()), -1);
    ASSERT_EQ(tuttiAllGather(&rank, rows.data(), 1, tuttiInt32, reversed, nullptr), tuttiSuccess);
    for (int r = 0; r < world.ranks(); ++r) {
      EXPECT_EQ(rows[static_cast<std::size_t>(r)], world.ranks() - 1 - r);
    }
    tuttiCommDestroy(reversed);
    tuttiCommDestroy(halves);
  });
}

TEST_P(Split, RanksWithoutAColorGetNothing) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    const bool out = rank == world.ranks() / 2;
    const tuttiComm_t child = split(world[rank], out ? TUTTI_SPLIT_NOCOLOR : 0, 0);
    EXPECT_EQ(child == nullptr, out);
    if (child == nullptr) return;
    EXPECT_EQ(census(child, rank), ((1u << world.ranks()) - 1) & ~(1u << world.ranks() / 2));
    tuttiCommDestroy(child);
  });
}

TEST_P(Split, ChildrenSplitAndOutliveTheirParents) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    const tuttiComm_t half = split(world[rank], rank % 2, 0);
    EXPECT_EQ(tuttiCommDestroy(world.take(rank)), tuttiSuccess);
    const tuttiComm_t quarter = split(half, rank / 2 % 2, 0);
    EXPECT_EQ(tuttiCommDestroy(half), tuttiSuccess);
    const tuttiComm_t again = split(quarter, 0, 0);
    EXPECT_EQ(tuttiCommDestroy(quarter), tuttiSuccess);
    std::uint64_t expected = 0;
    for (int r = rank % 4; r < world.ranks(); r += 4) expected |= 1u << r;
    EXPECT_EQ(census(again, rank), expected);
    EXPECT_EQ(tuttiCommDestroy(again), tuttiSuccess);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, Split, ::testing::Values(1, 2, 3, 4, 7, 8));

TEST(SplitErrors, ArgumentsAreCheckedBeforeAnythingIsSent) {
  ThreadWorld world(1);
  tuttiComm_t child = nullptr;
  EXPECT_EQ(tuttiCommSplit(world[0], -2, 0, &child, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommSplit(world[0], 0, 0, nullptr, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommSplit(nullptr, 0, 0, &child, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(child, nullptr);
}

TEST(SplitErrors, ALateRankIsNamedAndTheParentStaysUsable) {
  ThreadWorld world(3);
  // The deadline comes from a child made with a short one.
  tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
  config.timeout_ms = 1500;
  config.name = "hasty";
  on_ranks(3, [&](int rank) {
    tuttiComm_t hasty = nullptr;
    ASSERT_EQ(tuttiCommSplit(world[rank], 0, 0, &hasty, &config), tuttiSuccess);
    tuttiComm_t child = nullptr;
    if (rank != 1) {
      EXPECT_EQ(tuttiCommSplit(hasty, 0, 0, &child, nullptr), tuttiTimeout);
      const std::string text = tuttiGetLastError(hasty);
      EXPECT_NE(text.find("rank 1"), std::string::npos) << text;
    } else {
      // Too late: hears at once that the others gave up, and why.
      std::this_thread::sleep_for(std::chrono::milliseconds(2500));
      EXPECT_EQ(tuttiCommSplit(hasty, 0, 0, &child, nullptr), tuttiTimeout);
    }
    EXPECT_EQ(census(world[rank], rank), 7u);
    EXPECT_EQ(tuttiCommSplit(hasty, 0, 0, &child, nullptr), tuttiSuccess)
        << tuttiGetLastError(hasty);
    EXPECT_EQ(census(child, rank), 7u);
    EXPECT_EQ(census(hasty, rank), 7u);
    tuttiCommDestroy(child);
    tuttiCommDestroy(hasty);
  });
}

TEST(SplitErrors, ARankThatLeftIsNamed) {
  ThreadWorld world(3);
  on_ranks(3, [&](int rank) {
    ASSERT_EQ(census(world[rank], rank), 7u);
    tuttiComm_t child = nullptr;
    if (rank == 2) {
      tuttiCommDestroy(world.take(2));
      return;
    }
    EXPECT_EQ(tuttiCommSplit(world[rank], 0, 0, &child, nullptr), tuttiRemoteError);
    const std::string text = tuttiGetLastError(world[rank]);
    EXPECT_NE(text.find("rank 2"), std::string::npos) << text;
  });
}

TEST(SplitErrors, DifferentTimeoutsAreAMismatchOnEveryRank) {
  ThreadWorld world(3);
  on_ranks(3, [&](int rank) {
    tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
    config.timeout_ms = rank == 1 ? 7000 : 8000;
    tuttiComm_t child = nullptr;
    EXPECT_EQ(tuttiCommSplit(world[rank], 0, 0, &child, &config), tuttiMismatch);
    EXPECT_EQ(child, nullptr);
    EXPECT_EQ(census(world[rank], rank), 7u);
  });
}

}  // namespace
}  // namespace tutti::test
