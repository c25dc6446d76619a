#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <atomic>
#include <string>

#include "tests/communicator/census.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

class Finalize : public ::testing::TestWithParam<std::tuple<World, int>> {
 protected:
  static int ranks() { return std::get<1>(GetParam()); }
  static void run(const World::Body& body) { std::get<0>(GetParam()).run(ranks(), body); }
};

TEST_P(Finalize, ReturnsWhenEveryRankHasCalledAndOnlyTheEndMayFollow) {
  std::atomic<int> called{0};
  run([&](int rank, tuttiComm_t world) {
    const tuttiComm_t comm = Sibling(world).take();
    census(comm, rank);
    ++called;
    ASSERT_EQ(tuttiCommFinalize(comm), tuttiSuccess) << tuttiGetLastError(comm);
    EXPECT_EQ(called, ranks());
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
    EXPECT_EQ(value, ranks());
    // Destroyed or aborted.
    EXPECT_EQ(rank % 2 == 0 ? tuttiCommDestroy(comm) : tuttiCommAbort(comm), tuttiSuccess);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, Finalize,
                         ::testing::Combine(::testing::ValuesIn(worlds()),
                                            ::testing::ValuesIn(rank_counts())));

class FinalizeErrors : public ::testing::TestWithParam<World> {};

TEST_P(FinalizeErrors, OfAFailedCommunicatorIsItsError) {
  GetParam().run(2, [](int rank, tuttiComm_t world) {
    Sibling comm(world);
    if (rank == 1) {
      tuttiCommDestroy(comm.take());
      return;
    }
    EXPECT_EQ(tuttiCommFinalize(comm), tuttiRemoteError);
    EXPECT_NE(std::string(tuttiGetLastError(comm)).find("rank 1"), std::string::npos);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, FinalizeErrors, ::testing::ValuesIn(worlds()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
