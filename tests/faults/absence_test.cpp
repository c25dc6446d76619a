// Ranks that never come, and ranks that leave early.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/support/process_world.hpp"

namespace tutti::test {
namespace {

std::string error_of(tuttiComm_t comm) { return tuttiGetLastError(comm); }

TEST(Absence, OfARankIsATimeoutThatNamesIt) {
  ProcessWorld world(3, 400, [](int rank, tuttiComm_t comm) {
    if (rank == 2) {
      std::this_thread::sleep_for(std::chrono::seconds(3));
      return 0;
    }
    float x = 1;
    const tuttiResult_t code = tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, comm, nullptr);
    const bool named = error_of(comm).find("rank 2 did not arrive") != std::string::npos;
    if (code != tuttiTimeout || !named)
      std::fprintf(stderr, "%d %s\n", code, error_of(comm).c_str());
    return code == tuttiTimeout && named ? 0 : 1;
  });
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(world.wait(rank), 0);
}

TEST(Leaving, BeforeOthersAreDoneIsToldByName) {
  ProcessWorld pair(2, 20'000, [](int rank, tuttiComm_t comm) {
    if (rank == 1) {
      tuttiCommDestroy(comm);
      std::this_thread::sleep_for(std::chrono::seconds(1));
      return 0;
    }
    float x = 1;
    const tuttiResult_t code = tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, comm, nullptr);
    return code == tuttiRemoteError && error_of(comm).find("rank 1") != std::string::npos ? 0 : 1;
  });
  EXPECT_EQ(pair.wait(0), 0);
  EXPECT_EQ(pair.wait(1), 0);
}

}  // namespace
}  // namespace tutti::test
