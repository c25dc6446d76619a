// Messages that cannot arrive: disagreement, late, leaving and aborting ranks, wrong arguments.
#include <cstdint>

#include "tests/support/thread_world.hpp"
#include "tutti/stream.hpp"

namespace {

using tutti::test::expect_ok;
using tutti::test::ScopedVariable;
using tutti::test::ThreadWorld;

void expect_names(tuttiComm_t comm, std::initializer_list<const char*> parts) {
  const std::string text = tuttiGetLastError(comm);
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(MessageFailures, DifferentCountsAreAMismatchThatNamesBoth) {
  ThreadWorld world(3);
  std::int32_t data[100] = {};
  world.run([&](int rank, tuttiComm_t comm) {
    if (rank == 2) return;
    std::int32_t got[100] = {-1};
    const tuttiResult_t result = rank == 0 ? tuttiSend(data, 100, tuttiInt32, 1, comm, nullptr)
                                           : tuttiRecv(got, 99, tuttiInt32, 0, comm, nullptr);
    EXPECT_EQ(result, tuttiMismatch);
    expect_names(comm, {"rank 0 sends", "rank 1 expects", "400 bytes", "396 bytes"});
    EXPECT_EQ(got[0], -1);
  });
  // Everybody else learns of it at the next call.
  EXPECT_EQ(tuttiBarrier(world[2], nullptr), tuttiMismatch);
}

TEST(MessageFailures, DifferentTypesAreAMismatch) {
  ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    std::int32_t data[100] = {};
    const tuttiResult_t result = rank == 0 ? tuttiSend(data, 100, tuttiInt32, 1, comm, nullptr)
                                           : tuttiRecv(data, 100, tuttiFloat32, 0, comm, nullptr);
    EXPECT_EQ(result, tuttiMismatch);
    expect_names(comm, {"Send/Recv(int32)", "Send/Recv(float"});
  });
}

TEST(MessageFailures, ASmallMessageThatDisagreesFailsTheSendersNextCall) {
  ThreadWorld world(2);
  std::int32_t sent = 1, got[2] = {};
  EXPECT_EQ(tuttiSend(&sent, 1, tuttiInt32, 1, world[0], nullptr), tuttiSuccess);
  EXPECT_EQ(tuttiRecv(got, 2, tuttiInt32, 0, world[1], nullptr), tuttiMismatch);
  EXPECT_EQ(tuttiSend(&sent, 1, tuttiInt32, 1, world[0], nullptr), tuttiMismatch);
}

TEST(MessageFailures, ALateReceiverIsNamedAfterTheDeadline) {
  const ScopedVariable timeout("TUTTI_TIMEOUT_MS", "200");
  ThreadWorld world(3);
  std::vector<std::int32_t> data(1000);
  EXPECT_EQ(tuttiSend(data.data(), data.size(), tuttiInt32, 2, world[0], nullptr), tuttiTimeout);
  expect_names(world[0], {"[2]"});
}

TEST(MessageFailures, AReceiverOfARankThatLeftGetsARemoteError) {
  ThreadWorld world(2);
  std::int32_t value = 5, got = 0;
  EXPECT_EQ(tuttiSend(&value, 1, tuttiInt32, 1, world[0], nullptr), tuttiSuccess);
  EXPECT_EQ(tuttiCommDestroy(world.take(0)), tuttiSuccess);
  // What was sent before is there.
  EXPECT_EQ(tuttiRecv(&got, 1, tuttiInt32, 0, world[1], nullptr), tuttiSuccess);
  EXPECT_EQ(got, 5);
  EXPECT_EQ(tuttiRecv(&got, 1, tuttiInt32, 0, world[1], nullptr), tuttiRemoteError);
  expect_names(world[1], {"rank 0", "left"});
}

TEST(MessageFailures, AbortEndsAMessageOnAStream) {
  ThreadWorld world(2);
  tutti::Stream stream;
  std::vector<std::int32_t> data(1000);
  EXPECT_EQ(tuttiSend(data.data(), data.size(), tuttiInt32, 1, world[0], stream), tuttiSuccess);
  EXPECT_EQ(tuttiCommAbort(world.take(0)), tuttiSuccess);
  EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiAborted);
}

TEST(MessageFailures, WrongArgumentsSendNothing) {
  ThreadWorld world(2);
  tuttiComm_t comm = world[0];
  std::int32_t value = 0;
  EXPECT_EQ(tuttiSend(&value, 1, tuttiInt32, 2, comm, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiSend(&value, 1, tuttiInt32, -1, comm, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiRecv(&value, 1, tuttiInt32, 2, comm, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiSend(nullptr, 1, tuttiInt32, 1, comm, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiRecv(nullptr, 1, tuttiInt32, 1, comm, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiSend(&value, 1, tuttiNumTypes, 1, comm, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiSend(&value, SIZE_MAX, tuttiInt32, 1, comm, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiSend(nullptr, 0, tuttiInt32, 1, comm, nullptr), tuttiSuccess);
  EXPECT_EQ(tuttiRecv(nullptr, 0, tuttiInt32, 0, world[1], nullptr), tuttiSuccess);
}

}  // namespace
