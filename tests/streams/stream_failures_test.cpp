// What becomes of streams when operations fail, communicators end early, or the process forks.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "tests/support/thread_world.hpp"
#include "tutti/stream.hpp"

namespace {

using tutti::Stream;
using tutti::test::ScopedVariable;
using tutti::test::ThreadWorld;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(StreamFailures, AMismatchComesFromSynchronizeOnceAndPoisonsTheCommunicator) {
  ThreadWorld world(2), other(2);
  world.run([&](int rank, tuttiComm_t comm) {
    Stream stream;
    std::int32_t value = 1, more = 1, fine = 1;
    tuttiResult_t result = tuttiAllReduce(&value, &value, 1, tuttiInt32,
                                          rank == 0 ? tuttiSum : tuttiMax, comm, stream);
    EXPECT_EQ(result, tuttiSuccess);
    tutti::test::expect_ok(
        tuttiAllReduce(&fine, &fine, 1, tuttiInt32, tuttiSum, other[rank], stream), other[rank]);
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiMismatch);
    EXPECT_TRUE(contains(tuttiGetLastError(nullptr), "AllReduce")) << tuttiGetLastError(nullptr);
    EXPECT_TRUE(contains(tuttiGetLastError(comm), "AllReduce")) << tuttiGetLastError(comm);
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
    EXPECT_EQ(tuttiStreamQuery(stream), tuttiSuccess);
    EXPECT_EQ(value, 1);
    EXPECT_EQ(fine, 2);  // the rest of the queue ran

    tuttiResult_t state = tuttiSuccess;
    EXPECT_EQ(tuttiCommGetAsyncError(comm, &state), tuttiSuccess);
    EXPECT_EQ(state, tuttiMismatch);
    EXPECT_EQ(tuttiAllReduce(&more, &more, 1, tuttiInt32, tuttiSum, comm, stream), tuttiMismatch);
  });
}

TEST(StreamFailures, QueryTellsTheErrorUntilSynchronizeForgetsIt) {
  ThreadWorld world(2);
  world.run([&](int rank, tuttiComm_t comm) {
    Stream stream;
    std::int64_t value = 0;
    EXPECT_EQ(tuttiAllReduce(&value, &value, 1, rank == 0 ? tuttiInt64 : tuttiUint64, tuttiSum,
                             comm, stream),
              tuttiSuccess);
    tuttiResult_t state = tuttiInProgress;
    while (state == tuttiInProgress) state = tuttiStreamQuery(stream);
    EXPECT_EQ(state, tuttiMismatch);
    EXPECT_EQ(tuttiStreamQuery(stream), tuttiMismatch);
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiMismatch);
    EXPECT_EQ(tuttiStreamQuery(stream), tuttiSuccess);
  });
}

TEST(StreamFailures, AHostFunctionThatWaitsForItsOwnStreamIsInvalidUsage) {
  Stream stream;
  tuttiResult_t waited = tuttiSuccess, destroyed = tuttiSuccess;
  stream.launch([&, handle = stream.get()] {
    waited = tuttiStreamSynchronize(handle);
    destroyed = tuttiStreamDestroy(handle);
  });
  stream.synchronize();
  EXPECT_EQ(waited, tuttiInvalidUsage);
  EXPECT_EQ(destroyed, tuttiInvalidUsage);
}

TEST(StreamFailures, DestroyWaitsForQueuedOperations) {
  ThreadWorld world(2);
  Stream streams[2];
  std::vector<std::int32_t> data[2] = {std::vector<std::int32_t>(50000, 1),
                                       std::vector<std::int32_t>(50000, 2)};
  tuttiComm_t comms[2] = {world.take(0), world.take(1)};
  tutti::test::on_ranks(2, [&](int rank) {
    auto& mine = data[rank];
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(tuttiAllReduce(mine.data(), mine.data(), mine.size(), tuttiInt32, tuttiMax,
                               comms[rank], streams[rank]),
                tuttiSuccess);
    }
    EXPECT_EQ(tuttiCommDestroy(comms[rank]), tuttiSuccess);
    EXPECT_EQ(mine, std::vector<std::int32_t>(50000, 2));
  });
  for (Stream& stream : streams) stream.synchronize();
}

TEST(StreamFailures, DestroyGivesUpAtTheDeadlineAndWhatHasNotStartedIsAborted) {
  const ScopedVariable timeout("TUTTI_TIMEOUT_MS", "200");
  ThreadWorld world(1);
  tuttiComm_t comm = world.take(0);
  Stream stream;
  std::atomic<bool> open{false};
  stream.launch([&] { open.wait(false); });
  std::int32_t from = 1, to = 0;
  ASSERT_EQ(tuttiAllReduce(&from, &to, 1, tuttiInt32, tuttiSum, comm, stream), tuttiSuccess);
  EXPECT_EQ(tuttiCommDestroy(comm), tuttiTimeout);
  open.store(true);
  open.notify_all();
  EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiAborted);
  EXPECT_EQ(to, 0);
}

TEST(StreamFailures, AbortEndsRunningAndQueuedOperations) {
  ThreadWorld world(2);
  Stream stream;
  std::int32_t value[5] = {};
  for (std::int32_t& item : value) {
    ASSERT_EQ(tuttiAllReduce(&item, &item, 1, tuttiInt32, tuttiSum, world[0], stream),
              tuttiSuccess);
  }
  EXPECT_EQ(tuttiCommAbort(world.take(0)), tuttiSuccess);
  EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiAborted);
  std::int32_t mine = 0;
  EXPECT_EQ(tuttiAllReduce(&mine, &mine, 1, tuttiInt32, tuttiSum, world[1], nullptr),
            tuttiRemoteError);
}

TEST(StreamFailures, ALateRankIsNamedAfterTheDeadline) {
  const ScopedVariable timeout("TUTTI_TIMEOUT_MS", "200");
  ThreadWorld world(2);
  Stream stream;
  std::int32_t value = 0;
  ASSERT_EQ(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, world[1], stream),
            tuttiSuccess);
  EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiTimeout);
  EXPECT_TRUE(contains(tuttiGetLastError(world[1]), "rank 0")) << tuttiGetLastError(world[1]);
}

TEST(StreamFailures, AForkedChildCannotUseItsParentsStreams) {
  Stream stream;
  stream.synchronize();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool refused = tuttiStreamSynchronize(stream) == tuttiInvalidUsage &&
                         tuttiStreamQuery(stream) == tuttiInvalidUsage &&
                         tuttiStreamDestroy(stream) == tuttiInvalidUsage &&
                         tuttiLaunchHostFunc(
                             stream, [](void*) {}, nullptr) == tuttiInvalidUsage;
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
