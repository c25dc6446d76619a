// Ranks that disagree, and ranks that give up.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <chrono>
#include <cstring>
#include <string>

#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

std::string error_of(tuttiComm_t comm) { return tuttiGetLastError(comm); }

// What stands before "|" is the same on every rank.
std::string agreed_part(const std::string& text) { return text.substr(0, text.find(" | ")); }

class Disagreement : public testing::TestWithParam<int> {};

// Rank 1 calls something else; all who exchange data with it get tuttiMismatch and write nothing.
void expect_mismatch(int ranks,
                     const std::function<tuttiResult_t(int, tuttiComm_t, float*, float*)>& call) {
  const ThreadWorld world(ranks);
  std::vector<std::string> texts(static_cast<std::size_t>(ranks));
  world.run([&](int rank, tuttiComm_t comm) {
    std::vector<float> in(64, 1.0F);
    std::vector<float> out(64, -7.0F);
    EXPECT_EQ(call(rank, comm, in.data(), out.data()), tuttiMismatch)
        << rank << ": " << error_of(comm);
    EXPECT_EQ(out, std::vector<float>(64, -7.0F)) << "rank " << rank;
    texts[static_cast<std::size_t>(rank)] = agreed_part(error_of(comm));
    // Poisoned from now on.
    EXPECT_EQ(tuttiBarrier(comm, nullptr), tuttiMismatch);
  });
  for (const std::string& text : texts) EXPECT_EQ(text, texts[0]);
  if (ranks > 2) {
    EXPECT_NE(texts[0].find("at odds with the others: rank 1"), std::string::npos) << texts[0];
  }
}

TEST_P(Disagreement, AboutTheCountIsFound) {
  expect_mismatch(GetParam(), [](int rank, tuttiComm_t comm, float* in, float* out) {
    return tuttiAllReduce(in, out, rank == 1 ? 7 : 8, tuttiFloat, tuttiSum, comm, nullptr);
  });
}
TEST_P(Disagreement, AboutTheTypeIsFound) {
  expect_mismatch(GetParam(), [](int rank, tuttiComm_t comm, float* in, float* out) {
    return tuttiAllReduce(in, out, 8, rank == 1 ? tuttiInt32 : tuttiFloat, tuttiSum, comm, nullptr);
  });
}
TEST_P(Disagreement, AboutTheOperatorIsFound) {
  expect_mismatch(GetParam(), [](int rank, tuttiComm_t comm, float* in, float* out) {
    return tuttiAllReduce(in, out, 60, tuttiFloat, rank == 1 ? tuttiMax : tuttiSum, comm, nullptr);
  });
}
TEST_P(Disagreement, AboutTheOperationIsFound) {
  expect_mismatch(GetParam(), [](int rank, tuttiComm_t comm, float* in, float* out) {
    if (rank == 1) return tuttiBarrier(comm, nullptr);
    return tuttiAllReduce(in, out, 8, tuttiFloat, tuttiSum, comm, nullptr);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, Disagreement, testing::Values(2, 3, 5));

// Two roots that only send have nothing to read from each other; they learn it in one of the next
// calls.
TEST(Disagreement, AboutTheRootIsFound) {
  const ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    std::vector<float> data(64, 1.0F);
    tuttiResult_t code =
        tuttiBroadcast(data.data(), data.data(), 64, tuttiFloat, rank, comm, nullptr);
    for (int i = 0; i < 40 && code == tuttiSuccess; ++i) code = tuttiBarrier(comm, nullptr);
    EXPECT_EQ(code, tuttiMismatch) << error_of(comm);
  });
}

TEST(Disagreement, AboutARowOfAlltoAllvNamesBothRanks) {
  const ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    float in[8] = {};
    float out[8] = {};
    const std::size_t send[2] = {2, 2};
    const std::size_t recv[2] = {2, rank == 0 ? 3u : 2u};
    const std::size_t send_one[2] = {rank == 1 ? 2u : 2u, 2};
    const std::size_t places[2] = {0, 4};
    EXPECT_EQ(tuttiAlltoAllv(in, rank == 0 ? send : send_one, places, out, recv, places, tuttiFloat,
                             comm, nullptr),
              rank == 0 ? tuttiMismatch : tuttiSuccess);
  });
}

TEST(Disagreement, IsFoundByAllBeforeStrictlyCheckedOperations) {
  const ScopedVariable strict("TUTTI_CHECK", "strict");
  const ThreadWorld world(3);
  world.run([](int rank, tuttiComm_t comm) {
    float data[4] = {};
    EXPECT_EQ(tuttiBroadcast(data, data, 4, tuttiFloat, 0, comm, nullptr), tuttiSuccess);
    EXPECT_EQ(tuttiBroadcast(data, data, rank == 2 ? 3 : 4, tuttiFloat, 0, comm, nullptr),
              tuttiMismatch);
  });
}

TEST(Abort, FromAnotherThreadReleasesWhoWaits) {
  ThreadWorld world(2);
  tuttiComm_t waiting = world.take(0);
  tuttiResult_t code = tuttiSuccess;
  std::thread waiter([&] {
    float x = 1;
    code = tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, waiting, nullptr);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(tuttiCommAbort(waiting), tuttiSuccess);
  waiter.join();
  EXPECT_EQ(code, tuttiAborted);
  // The peer is told who gave up.
  float x = 1;
  EXPECT_EQ(tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, world[1], nullptr), tuttiRemoteError);
  EXPECT_NE(error_of(world[1]).find("rank 0"), std::string::npos) << error_of(world[1]);
}

TEST(Calls, OfTwoThreadsAtOnceAreRefused) {
  const ThreadWorld world(2);
  std::thread first([&] {
    float x = 1;
    EXPECT_EQ(tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, world[0], nullptr), tuttiSuccess);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  float x = 1;
  EXPECT_EQ(tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, world[0], nullptr), tuttiInvalidUsage);
  EXPECT_EQ(tuttiAllReduce(&x, &x, 1, tuttiFloat, tuttiSum, world[1], nullptr), tuttiSuccess);
  first.join();
}

}  // namespace
}  // namespace tutti::test
