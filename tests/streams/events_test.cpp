// Events: places in a stream's queue, and other streams that wait for them.
#include <atomic>

#include "tests/support/thread_world.hpp"
#include "tutti/stream.hpp"

namespace {

using tutti::Event;
using tutti::Stream;

void wait_for(std::atomic<bool>& flag) { flag.wait(false); }
void raise(std::atomic<bool>& flag) {
  flag.store(true);
  flag.notify_all();
}

TEST(Events, OneThatWasNeverRecordedIsReached) {
  Event event;
  EXPECT_TRUE(event.reached());
  event.synchronize();
  Stream stream;
  stream.wait(event);
  stream.synchronize();
}

TEST(Events, IsReachedWhenWhatWasQueuedBeforeIsDone) {
  Stream stream;
  Event event;
  std::atomic<bool> open{false};
  int done = 0;
  stream.launch([&] {
    wait_for(open);
    done = 1;
  });
  event.record(stream);
  EXPECT_EQ(tuttiEventQuery(event.get()), tuttiInProgress);
  raise(open);
  event.synchronize();
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(event.reached());
}

TEST(Events, AStreamThatWaitsRunsNothingQueuedAfterBeforeTheEvent) {
  Stream first, second;
  Event event;
  std::atomic<bool> open{false};
  int value = 0;
  first.launch([&] {
    wait_for(open);
    value = 41;
  });
  event.record(first);
  second.wait(event);
  int seen = 0;
  second.launch([&] { seen = value + 1; });
  EXPECT_EQ(tuttiStreamQuery(second), tuttiInProgress);
  raise(open);
  second.synchronize();
  EXPECT_EQ(seen, 42);
}

TEST(Events, AWaitIsForTheRecordBeforeItAndNotForLaterOnes) {
  Stream first, second, waiting;
  Event event;
  std::atomic<bool> open_first{false}, open_second{false};
  std::atomic<bool> ran{false};
  first.launch([&] { wait_for(open_first); });
  second.launch([&] { wait_for(open_second); });
  event.record(first);
  waiting.wait(event);
  waiting.launch([&] { ran = true; });
  event.record(second);
  raise(open_second);
  event.synchronize();  // the second record
  EXPECT_FALSE(ran);    // the stream waits for the first
  raise(open_first);
  waiting.synchronize();
  EXPECT_TRUE(ran);
}

TEST(Events, MayBeDestroyedWhileAStreamWaits) {
  Stream first, second;
  std::atomic<bool> open{false};
  {
    Event event;
    first.launch([&] { wait_for(open); });
    event.record(first);
    second.wait(event);
  }
  raise(open);
  second.synchronize();
}

TEST(Events, OrderACollectiveOfOneStreamAfterTheWorkOfAnother) {
  tutti::test::ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    Stream compute, transfer;
    Event computed, reduced;
    float value = 0;
    for (int i = 1; i <= 200; ++i) {
      compute.wait(reduced);
      compute.launch([&value, i, rank] { value = static_cast<float>(i + rank); });
      computed.record(compute);
      transfer.wait(computed);
      tutti::test::expect_ok(
          tuttiAllReduce(&value, &value, 1, tuttiFloat32, tuttiSum, comm, transfer), comm);
      transfer.launch([&value, i] { EXPECT_EQ(value, static_cast<float>(2 * i + 1)); });
      reduced.record(transfer);
    }
    reduced.synchronize();
    compute.synchronize();
    transfer.synchronize();
  });
}

TEST(Events, NullHandlesAreInvalidArguments) {
  EXPECT_EQ(tuttiEventCreate(nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiEventRecord(nullptr, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiEventQuery(nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiEventSynchronize(nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiStreamWaitEvent(nullptr, nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiEventDestroy(nullptr), tuttiSuccess);
  EXPECT_NE(std::string(tuttiGetLastError(nullptr)), "");
}

}  // namespace
