// TUTTI_PROGRESS=callers: frames move in calls only, and nothing is lost by that.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/process_world.hpp"

namespace tutti::test {
namespace {

using namespace std::chrono_literals;

constexpr int kRanks = 3;

tuttiResult_t join(tuttiComm_t& comm, int rank, const tuttiUniqueId& id, const char* progress) {
  ::setenv("TUTTI_TRANSPORT", "tcp", 1);
  ::setenv("TUTTI_PROGRESS", progress, 1);
  return tuttiCommInitRank(&comm, kRanks, id, rank);
}

// Large enough that peers get it from where it lies.
tuttiResult_t gather_large(int rank, tuttiComm_t comm) {
  constexpr std::size_t kCount = std::size_t{1} << 20;
  std::vector<int> own(kCount, rank), all(kCount * kRanks);
  const tuttiResult_t result =
      tuttiAllGather(own.data(), all.data(), kCount, tuttiInt32, comm, nullptr);
  for (std::size_t i = 0; i < all.size() && result == tuttiSuccess; ++i) {
    RANK_CHECK(all[i] == static_cast<int>(i / kCount), comm);
  }
  return result;
}

TEST(Progress, ByCallersWaitsForWhoComputes) {
  ProcessWorld world(kRanks, [](int rank, const tuttiUniqueId& id) {
    tuttiComm_t comm = nullptr;
    RANK_CHECK(join(comm, rank, id, "callers") == tuttiSuccess, comm);
    for (int round = 0; round < 3; ++round) {
      if (rank == round) std::this_thread::sleep_for(200ms);
      RANK_CHECK(gather_large(rank, comm) == tuttiSuccess, comm);
    }
    RANK_CHECK(tuttiCommDestroy(comm) == tuttiSuccess, nullptr);
    return 0;
  });
  for (int rank = 0; rank < kRanks; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

// Who has left makes no calls, but the others may still get what it has left behind: the root of
// this algorithm returns when its bytes lie where peers fetch them.
TEST(Progress, ByCallersServesPeersAfterLeaving) {
  MeetingPoint end;
  ProcessWorld world(kRanks, [&](int rank, const tuttiUniqueId& id) {
    ::setenv("TUTTI_ALGO", "exchange", 1);
    tuttiComm_t comm = nullptr;
    RANK_CHECK(join(comm, rank, id, "callers") == tuttiSuccess, comm);
    if (rank == 2) std::this_thread::sleep_for(200ms);
    std::vector<int> data(1000, 5);
    RANK_CHECK(tuttiBroadcast(data.data(), data.data(), data.size(), tuttiInt32, 0, comm,
                              nullptr) == tuttiSuccess,
               comm);
    RANK_CHECK(tuttiCommDestroy(comm) == tuttiSuccess, nullptr);
    end.meet(kRanks);
    return 0;
  });
  for (int rank = 0; rank < kRanks; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

TEST(Progress, IsTheSameOnEveryRank) {
  MeetingPoint end;  // rank 0's process is where ranks meet
  ProcessWorld world(kRanks, [&](int rank, const tuttiUniqueId& id) {
    tuttiComm_t comm = nullptr;
    RANK_CHECK(join(comm, rank, id, rank == 1 ? "callers" : "thread") == tuttiInvalidUsage, comm);
    const std::string text = tuttiGetLastError(nullptr);
    RANK_CHECK(text.find("TUTTI_PROGRESS is \"thread\" for rank") != text.npos ||
                   text.find("TUTTI_PROGRESS is \"callers\" for rank 1") != text.npos,
               nullptr);
    end.meet(kRanks);
    return 0;
  });
  for (int rank = 0; rank < kRanks; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

}  // namespace
}  // namespace tutti::test
