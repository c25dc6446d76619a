// Ranks that shrink with different lists: all of them hear of it, and a call with the same list
// works after that.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/communicator/census.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

using Excluded = std::vector<int>;

tuttiResult_t shrink_without(tuttiComm_t comm, const Excluded& excluded, tuttiComm_t& child) {
  child = nullptr;
  return tuttiCommShrink(comm, excluded.data(), static_cast<int>(excluded.size()), &child, nullptr,
                         TUTTI_SHRINK_DEFAULT);
}

class ShrinkDisagreement : public ::testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

// A rank that stays away waits for the others before it leaves.
TEST_P(ShrinkDisagreement, IsAMismatchThatNamesTheOther) {
  run(4, [](int rank, tuttiComm_t comm) {
    if (rank != 3) {
      tuttiComm_t child = nullptr;
      const Excluded list = rank == 1 ? Excluded{2, 3} : Excluded{3};
      EXPECT_EQ(shrink_without(comm, list, child), tuttiMismatch) << tuttiGetLastError(comm);
      EXPECT_NE(std::string(tuttiGetLastError(comm)).find(rank == 1 ? "rank 0" : "rank 1"),
                std::string::npos)
          << tuttiGetLastError(comm);
    }
    EXPECT_EQ(census(comm, rank), 15u);
  });
}

TEST_P(ShrinkDisagreement, EndsWithTheNextCallThatAgrees) {
  run(4, [](int rank, tuttiComm_t comm) {
    for (int i = 0; i < 20; ++i) {
      // Who corrects its list meets the others, that brought theirs before, in their second
      // meeting.
      if (rank != 3) {
        tuttiComm_t child = nullptr;
        EXPECT_EQ(shrink_without(comm, rank == 1 ? Excluded{2, 3} : Excluded{3}, child),
                  tuttiMismatch);
      }
      EXPECT_EQ(census(comm, rank), 15u);
      if (rank == 3) continue;
      tuttiComm_t child = nullptr;
      ASSERT_EQ(shrink_without(comm, {3}, child), tuttiSuccess) << tuttiGetLastError(comm);
      EXPECT_EQ(census(child, rank), 7u);
      EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
    }
  });
}

// More ranks than any word of a line has bits.
TEST_P(ShrinkDisagreement, OfManyRanksIsAMismatchAtOnce) {
  run(64, [](int rank, tuttiComm_t comm) {
    tuttiComm_t child = nullptr;
    if (rank != 15) {
      EXPECT_EQ(shrink_without(comm, rank == 63 ? Excluded{} : Excluded{15}, child), tuttiMismatch)
          << tuttiGetLastError(comm);
    }
    EXPECT_EQ(census(comm, rank), ~std::uint64_t{0});
    if (rank == 15) return;
    ASSERT_EQ(shrink_without(comm, {15}, child), tuttiSuccess) << tuttiGetLastError(comm);
    EXPECT_EQ(census(child, rank), ~(std::uint64_t{1} << 15));
    EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, ShrinkDisagreement, ::testing::ValuesIn(worlds()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
