#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <atomic>
#include <string>

#include "tests/communicator/census.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

class Finalize : public ::testing::TestWithParam<int> {};

TEST_P(Finalize, ReturnsWhenEveryRankHasCalledAndOnlyTheEndMayFollow) {
  ThreadWorld world(GetParam());
  std::atomic<int> called{0};
  on_ranks(world.ranks(), [&](int rank) {
    const tuttiComm_t comm = world.take(rank);
    census(comm, rank);
    ++called;
    ASSERT_EQ(tuttiCommFinalize(comm), tuttiSuccess) << tuttiGetLastError(comm);
    EXPECT_EQ(called, world.ranks());
    int value = 0;
    tuttiComm_t child = nullptr;
    EXPECT_EQ(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, comm, nullptr),
              tuttiInvalidUsage);
    EXPECT_EQ(tuttiBarrier(comm, nullptr), tuttiInvalidUsage);
    EXPECT_EQ(tuttiCommSplit(comm, 0, 0, &child, nullptr), tuttiInvalidUsage);
    EXPECT_EQ(tuttiCommFinalize(comm), tuttiInvalidUsage);
    // Questions are answered.
    tuttiResult_t error = tuttiInternalError;
    EXPECT_EQ(tuttiCommGetAsyncError(comm, &error), tuttiSuccess);
    EXPECT_EQ(error, tuttiSuccess);
    EXPECT_EQ(tuttiCommCount(comm, &value), tuttiSuccess);
    EXPECT_EQ(value, world.ranks());
    // Destroyed or aborted.
    EXPECT_EQ(rank % 2 == 0 ? tuttiCommDestroy(comm) : tuttiCommAbort(comm), tuttiSuccess);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, Finalize, ::testing::Values(1, 2, 3, 4, 7, 8));

TEST(FinalizeErrors, OfAFailedCommunicatorIsItsError) {
  ThreadWorld world(2);
  on_ranks(2, [&](int rank) {
    if (rank == 1) {
      tuttiCommDestroy(world.take(1));
      return;
    }
    EXPECT_EQ(tuttiCommFinalize(world[0]), tuttiRemoteError);
    EXPECT_NE(std::string(tuttiGetLastError(world[0])).find("rank 1"), std::string::npos);
  });
}

}  // namespace
}  // namespace tutti::test
