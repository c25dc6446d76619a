#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <string>

#include "tests/communicator/census.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

class Shrink : public ::testing::TestWithParam<int> {};

TEST_P(Shrink, TheOthersFormACommunicatorInTheSameOrder) {
  ThreadWorld world(GetParam());
  for (const int flags : {TUTTI_SHRINK_DEFAULT, TUTTI_SHRINK_ABORT}) {
    for (int gone = 0; gone < world.ranks(); ++gone) {
      on_ranks(world.ranks(), [&](int rank) {
        if (rank == gone) return;
        tuttiComm_t child = nullptr;
        ASSERT_EQ(tuttiCommShrink(world[rank], &gone, 1, &child, nullptr, flags), tuttiSuccess)
            << tuttiGetLastError(world[rank]);
        int count = 0;
        int new_rank = -1;
        tuttiCommCount(child, &count);
        tuttiCommUserRank(child, &new_rank);
        EXPECT_EQ(count, world.ranks() - 1);
        EXPECT_EQ(new_rank, rank - (rank > gone ? 1 : 0));
        EXPECT_EQ(census(child, rank), ((1u << world.ranks()) - 1) & ~(1u << gone));
        EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
      });
      // The parent stays as it was.
      on_ranks(world.ranks(),
               [&](int rank) { EXPECT_EQ(census(world[rank], rank), (1u << world.ranks()) - 1); });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, Shrink, ::testing::Values(2, 3, 4, 7, 8));

TEST(ShrinkErrors, WrongListsAreArgumentsErrors) {
  ThreadWorld world(3);
  tuttiComm_t child = nullptr;
  const auto shrink = [&](std::vector<int> list, int flags = TUTTI_SHRINK_DEFAULT) {
    return tuttiCommShrink(world[1], list.data(), static_cast<int>(list.size()), &child, nullptr,
                           flags);
  };
  EXPECT_EQ(shrink({3}), tuttiInvalidArgument);
  EXPECT_NE(std::string(tuttiGetLastError(world[1])).find("exclude[0] is 3"), std::string::npos);
  EXPECT_EQ(shrink({0, -1}), tuttiInvalidArgument);
  EXPECT_EQ(shrink({0, 0}), tuttiInvalidArgument);
  EXPECT_NE(std::string(tuttiGetLastError(world[1])).find("twice"), std::string::npos);
  EXPECT_EQ(shrink({1}), tuttiInvalidArgument);
  EXPECT_EQ(shrink({0, 2}, 2), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommShrink(world[1], nullptr, 1, &child, nullptr, 0), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommShrink(world[1], nullptr, -1, &child, nullptr, 0), tuttiInvalidArgument);
  EXPECT_EQ(child, nullptr);
}

TEST(ShrinkOfAFailed, NeedsTheAbortFlag) {
  ThreadWorld world(4);
  on_ranks(4, [&](int rank) {
    const int gone = 2;
    // Rank 2 leaves without a word; the others need it.
    if (rank == gone) {
      tuttiCommDestroy(world.take(rank));
      return;
    }
    int value = rank;
    ASSERT_EQ(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, world[rank], nullptr),
              tuttiRemoteError);
    EXPECT_NE(std::string(tuttiGetLastError(world[rank])).find("rank 2"), std::string::npos);
    tuttiComm_t child = nullptr;
    EXPECT_EQ(tuttiCommShrink(world[rank], &gone, 1, &child, nullptr, TUTTI_SHRINK_DEFAULT),
              tuttiRemoteError);
    EXPECT_EQ(tuttiCommSplit(world[rank], 0, 0, &child, nullptr), tuttiRemoteError);
    ASSERT_EQ(tuttiCommShrink(world[rank], &gone, 1, &child, nullptr, TUTTI_SHRINK_ABORT),
              tuttiSuccess)
        << tuttiGetLastError(world[rank]);
    EXPECT_EQ(tuttiCommDestroy(world.take(rank)), tuttiSuccess);
    EXPECT_EQ(census(child, rank), 0b1011u);
    EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
  });
}

TEST(ShrinkOfAFailed, ARankThatIsGoneButNotExcludedIsNamed) {
  ThreadWorld world(4);
  on_ranks(4, [&](int rank) {
    if (rank >= 2) {
      tuttiCommDestroy(world.take(rank));
      return;
    }
    const int excluded = 3;
    tuttiComm_t child = nullptr;
    EXPECT_EQ(tuttiCommShrink(world[rank], &excluded, 1, &child, nullptr, TUTTI_SHRINK_ABORT),
              tuttiRemoteError);
    EXPECT_NE(std::string(tuttiGetLastError(world[rank])).find("rank 2"), std::string::npos)
        << tuttiGetLastError(world[rank]);
  });
}

}  // namespace
}  // namespace tutti::test
