// Events: places in a stream's queue, and other streams that wait for them.
#include "tests/support/gate.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"
#include "tutti/stream.hpp"

namespace tutti::test {
namespace {

class Events : public testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

TEST_P(Events, OneThatWasNeverRecordedIsReached) {
  run(1, [](int, tuttiComm_t) {
    Event event;
    EXPECT_TRUE(event.reached());
    event.synchronize();
    Stream stream;
    stream.wait(event);
    stream.synchronize();
  });
}

TEST_P(Events, IsReachedWhenWhatWasQueuedBeforeIsDone) {
  run(1, [](int, tuttiComm_t) {
    Stream stream;
    Event event;
    Gate open;
    int done = 0;
    stream.launch([&] {
      open.pass();
      done = 1;
    });
    event.record(stream);
    EXPECT_EQ(tuttiEventQuery(event.get()), tuttiInProgress);
    open.release();
    event.synchronize();
    EXPECT_EQ(done, 1);
    EXPECT_TRUE(event.reached());
  });
}

TEST_P(Events, AStreamThatWaitsRunsNothingQueuedAfterBeforeTheEvent) {
  run(1, [](int, tuttiComm_t) {
    Stream first, second;
    Event event;
    Gate open;
    int value = 0;
    first.launch([&] {
      open.pass();
      value = 41;
    });
    event.record(first);
    second.wait(event);
    int seen = 0;
    second.launch([&] { seen = value + 1; });
    EXPECT_EQ(tuttiStreamQuery(second), tuttiInProgress);
    open.release();
    second.synchronize();
    EXPECT_EQ(seen, 42);
  });
}

TEST_P(Events, AWaitIsForTheRecordBeforeItAndNotForLaterOnes) {
  run(1, [](int, tuttiComm_t) {
    Stream first, second, waiting;
    Event event;
    Gate open_first, open_second;
    std::atomic<bool> ran = false;
    first.launch([&] { open_first.pass(); });
    second.launch([&] { open_second.pass(); });
    event.record(first);
    waiting.wait(event);
    waiting.launch([&] { ran = true; });
    event.record(second);
    open_second.release();
    event.synchronize();  // the second record
    EXPECT_FALSE(ran);    // the stream waits for the first
    open_first.release();
    waiting.synchronize();
    EXPECT_TRUE(ran);
  });
}

TEST_P(Events, MayBeDestroyedWhileAStreamWaits) {
  run(1, [](int, tuttiComm_t) {
    Stream first, second;
    Gate open;
    {
      Event event;
      first.launch([&] { open.pass(); });
      event.record(first);
      second.wait(event);
    }
    open.release();
    second.synchronize();
  });
}

TEST_P(Events, OrderACollectiveOfOneStreamAfterTheWorkOfAnother) {
  run(2, [](int rank, tuttiComm_t comm) {
    Stream compute, transfer;
    Event computed, reduced;
    float value = 0;
    for (int i = 1; i <= 200; ++i) {
      compute.wait(reduced);
      compute.launch([&value, i, rank] { value = static_cast<float>(i + rank); });
      computed.record(compute);
      transfer.wait(computed);
      expect_ok(tuttiAllReduce(&value, &value, 1, tuttiFloat32, tuttiSum, comm, transfer), comm);
      transfer.launch([&value, i] { EXPECT_EQ(value, static_cast<float>(2 * i + 1)); });
      reduced.record(transfer);
    }
    reduced.synchronize();
    compute.synchronize();
    transfer.synchronize();
  });
}

TEST_P(Events, NullHandlesAreInvalidArguments) {
  run(1, [](int, tuttiComm_t) {
    EXPECT_EQ(tuttiEventCreate(nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiEventRecord(nullptr, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiEventQuery(nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiEventSynchronize(nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiStreamWaitEvent(nullptr, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiEventDestroy(nullptr), tuttiSuccess);
    EXPECT_NE(std::string(tuttiGetLastError(nullptr)), "");
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, Events, testing::ValuesIn(worlds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
