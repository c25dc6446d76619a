#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <string>

#include "tests/communicator/census.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

class Shrink : public ::testing::TestWithParam<std::tuple<World, int>> {
 protected:
  static int ranks() { return std::get<1>(GetParam()); }
  static void run(const World::Body& body) { std::get<0>(GetParam()).run(ranks(), body); }
};

TEST_P(Shrink, TheOthersFormACommunicatorInTheSameOrder) {
  run([](int rank, tuttiComm_t comm) {
    const std::uint64_t all = (1u << ranks()) - 1;
    for (const int flags : {TUTTI_SHRINK_DEFAULT, TUTTI_SHRINK_ABORT}) {
      for (int gone = 0; gone < ranks(); ++gone) {
        if (rank != gone) {
          tuttiComm_t child = nullptr;
          ASSERT_EQ(tuttiCommShrink(comm, &gone, 1, &child, nullptr, flags), tuttiSuccess)
              << tuttiGetLastError(comm);
          int count = 0;
          int new_rank = -1;
          tuttiCommCount(child, &count);
          tuttiCommUserRank(child, &new_rank);
          EXPECT_EQ(count, ranks() - 1);
          EXPECT_EQ(new_rank, rank - (rank > gone ? 1 : 0));
          EXPECT_EQ(census(child, rank), all & ~(1u << gone));
          EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
        }
        EXPECT_EQ(census(comm, rank), all) << "the parent stays as it was";
      }
    }
  });
}

// There is nobody left of one.
std::vector<int> two_or_more() {
  std::vector<int> counts = rank_counts();
  std::erase(counts, 1);
  return counts;
}
INSTANTIATE_TEST_SUITE_P(Worlds, Shrink,
                         ::testing::Combine(::testing::ValuesIn(worlds()),
                                            ::testing::ValuesIn(two_or_more())));

class ShrinkErrors : public ::testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

class ShrinkOfAFailed : public ShrinkErrors {};

TEST_P(ShrinkErrors, WrongListsAreArgumentsErrors) {
  run(3, [](int rank, tuttiComm_t comm) {
    if (rank != 1) return;
    tuttiComm_t child = nullptr;
    const auto shrink = [&](std::vector<int> list, int flags = TUTTI_SHRINK_DEFAULT) {
      return tuttiCommShrink(comm, list.data(), static_cast<int>(list.size()), &child, nullptr,
                             flags);
    };
    EXPECT_EQ(shrink({3}), tuttiInvalidArgument);
    EXPECT_NE(std::string(tuttiGetLastError(comm)).find("exclude[0] is 3"), std::string::npos);
    EXPECT_EQ(shrink({0, -1}), tuttiInvalidArgument);
    EXPECT_EQ(shrink({0, 0}), tuttiInvalidArgument);
    EXPECT_NE(std::string(tuttiGetLastError(comm)).find("twice"), std::string::npos);
    EXPECT_EQ(shrink({1}), tuttiInvalidArgument);
    EXPECT_EQ(shrink({0, 2}, 2), tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommShrink(comm, nullptr, 1, &child, nullptr, 0), tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommShrink(comm, nullptr, -1, &child, nullptr, 0), tuttiInvalidArgument);
    EXPECT_EQ(child, nullptr);
  });
}

TEST_P(ShrinkOfAFailed, NeedsTheAbortFlag) {
  run(4, [](int rank, tuttiComm_t world) {
    Sibling comm(world);
    const int gone = 2;
    // Rank 2 leaves without a word; the others need it.
    if (rank == gone) {
      tuttiCommDestroy(comm.take());
      return;
    }
    int value = rank;
    ASSERT_EQ(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, comm, nullptr),
              tuttiRemoteError);
    EXPECT_NE(std::string(tuttiGetLastError(comm)).find("rank 2"), std::string::npos);
    tuttiComm_t child = nullptr;
    EXPECT_EQ(tuttiCommShrink(comm, &gone, 1, &child, nullptr, TUTTI_SHRINK_DEFAULT),
              tuttiRemoteError);
    EXPECT_EQ(tuttiCommSplit(comm, 0, 0, &child, nullptr), tuttiRemoteError);
    ASSERT_EQ(tuttiCommShrink(comm, &gone, 1, &child, nullptr, TUTTI_SHRINK_ABORT), tuttiSuccess)
        << tuttiGetLastError(comm);
    EXPECT_EQ(tuttiCommDestroy(comm.take()), tuttiSuccess);
    EXPECT_EQ(census(child, rank), 0b1011u);
    EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
  });
}

TEST_P(ShrinkOfAFailed, ARankThatIsGoneButNotExcludedIsNamed) {
  run(4, [](int rank, tuttiComm_t world) {
    Sibling comm(world);
    if (rank >= 2) {
      tuttiCommDestroy(comm.take());
    } else {
      const int excluded = 3;
      tuttiComm_t child = nullptr;
      EXPECT_EQ(tuttiCommShrink(comm, &excluded, 1, &child, nullptr, TUTTI_SHRINK_ABORT),
                tuttiRemoteError);
      EXPECT_NE(std::string(tuttiGetLastError(comm)).find("rank 2"), std::string::npos)
          << tuttiGetLastError(comm);
    }
    EXPECT_EQ(census(world, rank), 15u) << "nobody else leaves before all have heard";
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, ShrinkErrors, ::testing::ValuesIn(worlds()),
                         ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Worlds, ShrinkOfAFailed, ::testing::ValuesIn(worlds()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
