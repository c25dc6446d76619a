#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <string>

#include "base/pause.hpp"
#include "tests/communicator/census.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

class Split : public ::testing::TestWithParam<std::tuple<World, int>> {
 protected:
  static int ranks() { return std::get<1>(GetParam()); }
  static void run(const World::Body& body) { std::get<0>(GetParam()).run(ranks(), body); }
};

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
  run([](int rank, tuttiComm_t comm) {
    for (int colors = 1; colors <= ranks(); ++colors) {
      const tuttiComm_t child = split(comm, rank % colors, 0);
      ASSERT_NE(child, nullptr);
      EXPECT_EQ(rank_in(child), rank / colors);
      std::uint64_t expected = 0;
      for (int r = rank % colors; r < ranks(); r += colors) expected |= 1u << r;
      // Colors run beside each other, and beside the parent.
      for (int i = 0; i < 20; ++i) ASSERT_EQ(census(child, rank), expected);
      ASSERT_EQ(census(comm, rank), (1u << ranks()) - 1);
      ASSERT_EQ(census(child, rank), expected);
      EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
    }
  });
}

TEST_P(Split, KeysOrderRanksAndEqualKeysKeepTheirOrder) {
  run([](int rank, tuttiComm_t comm) {
    const tuttiComm_t reversed = split(comm, 5, -rank);
    EXPECT_EQ(rank_in(reversed), ranks() - 1 - rank);
    const tuttiComm_t halves = split(comm, 5, rank % 2);
    const int evens = (ranks() + 1) / 2;
    EXPECT_EQ(rank_in(halves), rank % 2 == 0 ? rank / 2 : evens + rank / 2);
    // Data goes where the new ranks say.
    std::vector<int> rows(static_cast<std::size_t>(ranks()), -1);
    ASSERT_EQ(tuttiAllGather(&rank, rows.data(), 1, tuttiInt32, reversed, nullptr), tuttiSuccess);
    for (int r = 0; r < ranks(); ++r) {
      EXPECT_EQ(rows[static_cast<std::size_t>(r)], ranks() - 1 - r);
    }
    tuttiCommDestroy(reversed);
    tuttiCommDestroy(halves);
  });
}

TEST_P(Split, RanksWithoutAColorGetNothing) {
  run([](int rank, tuttiComm_t comm) {
    const bool out = rank == ranks() / 2;
    const tuttiComm_t child = split(comm, out ? TUTTI_SPLIT_NOCOLOR : 0, 0);
    EXPECT_EQ(child == nullptr, out);
    if (child == nullptr) return;
    EXPECT_EQ(census(child, rank), ((1u << ranks()) - 1) & ~(1u << ranks() / 2));
    tuttiCommDestroy(child);
  });
}

TEST_P(Split, ChildrenSplitAndOutliveTheirParents) {
  run([](int rank, tuttiComm_t comm) {
    Sibling parent(comm);
    const tuttiComm_t half = split(parent, rank % 2, 0);
    EXPECT_EQ(tuttiCommDestroy(parent.take()), tuttiSuccess);
    const tuttiComm_t quarter = split(half, rank / 2 % 2, 0);
    EXPECT_EQ(tuttiCommDestroy(half), tuttiSuccess);
    const tuttiComm_t again = split(quarter, 0, 0);
    EXPECT_EQ(tuttiCommDestroy(quarter), tuttiSuccess);
    std::uint64_t expected = 0;
    for (int r = rank % 4; r < ranks(); r += 4) expected |= 1u << r;
    EXPECT_EQ(census(again, rank), expected);
    EXPECT_EQ(tuttiCommDestroy(again), tuttiSuccess);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, Split,
                         ::testing::Combine(::testing::ValuesIn(worlds()),
                                            ::testing::ValuesIn(rank_counts())));

class SplitErrors : public ::testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

TEST_P(SplitErrors, ArgumentsAreCheckedBeforeAnythingIsSent) {
  run(1, [](int, tuttiComm_t comm) {
    tuttiComm_t child = nullptr;
    EXPECT_EQ(tuttiCommSplit(comm, -2, 0, &child, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommSplit(comm, 0, 0, nullptr, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommSplit(nullptr, 0, 0, &child, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(child, nullptr);
  });
}

TEST_P(SplitErrors, ALateRankIsNamedAndTheParentStaysUsable) {
  // The deadline comes from a child made with a short one.
  tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
  config.timeout_ms = 1500;
  config.name = "hasty";
  run(3, [&](int rank, tuttiComm_t comm) {
    tuttiComm_t hasty = nullptr;
    ASSERT_EQ(tuttiCommSplit(comm, 0, 0, &hasty, &config), tuttiSuccess);
    tuttiComm_t child = nullptr;
    if (rank != 1) {
      EXPECT_EQ(tuttiCommSplit(hasty, 0, 0, &child, nullptr), tuttiTimeout);
      const std::string text = tuttiGetLastError(hasty);
      EXPECT_NE(text.find("rank 1"), std::string::npos) << text;
    } else {
      // Too late: hears at once that the others gave up, and why.
      pause_for(std::chrono::milliseconds(2500));
      EXPECT_EQ(tuttiCommSplit(hasty, 0, 0, &child, nullptr), tuttiTimeout);
    }
    EXPECT_EQ(census(comm, rank), 7u);
    EXPECT_EQ(tuttiCommSplit(hasty, 0, 0, &child, nullptr), tuttiSuccess)
        << tuttiGetLastError(hasty);
    EXPECT_EQ(census(child, rank), 7u);
    EXPECT_EQ(census(hasty, rank), 7u);
    tuttiCommDestroy(child);
    tuttiCommDestroy(hasty);
  });
}

TEST_P(SplitErrors, ARankThatLeftIsNamed) {
  run(3, [](int rank, tuttiComm_t comm) {
    Sibling parent(comm);
    ASSERT_EQ(census(parent, rank), 7u);
    if (rank == 2) {
      tuttiCommDestroy(parent.take());
    } else {
      tuttiComm_t child = nullptr;
      EXPECT_EQ(tuttiCommSplit(parent, 0, 0, &child, nullptr), tuttiRemoteError);
      const std::string text = tuttiGetLastError(parent);
      EXPECT_NE(text.find("rank 2"), std::string::npos) << text;
    }
    EXPECT_EQ(census(comm, rank), 7u) << "nobody else leaves before all have heard";
  });
}

TEST_P(SplitErrors, DifferentTimeoutsAreAMismatchOnEveryRank) {
  run(3, [](int rank, tuttiComm_t comm) {
    tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
    config.timeout_ms = rank == 1 ? 7000 : 8000;
    tuttiComm_t child = nullptr;
    EXPECT_EQ(tuttiCommSplit(comm, 0, 0, &child, &config), tuttiMismatch);
    EXPECT_EQ(child, nullptr);
    EXPECT_EQ(census(comm, rank), 7u);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, SplitErrors, ::testing::ValuesIn(worlds()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
