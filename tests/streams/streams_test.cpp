// Operations on streams: order on one, freedom between several, back-pressure, copies of arrays.
#include <atomic>
#include <cstdint>
#include <numeric>

#include "tests/support/thread_world.hpp"
#include "tutti/stream.hpp"

namespace {

using tutti::Stream;
using tutti::test::expect_ok;
using tutti::test::on_ranks;
using tutti::test::ThreadWorld;

// A host function that holds its stream until release().
class Gate {
 public:
  void hold(tuttiStream_t stream) {
    ASSERT_EQ(tuttiLaunchHostFunc(
                  stream, [](void* gate) { static_cast<Gate*>(gate)->open_.wait(false); }, this),
              tuttiSuccess);
  }
  void release() {
    open_.store(true);
    open_.notify_all();
  }

 private:
  std::atomic<bool> open_{false};
};

TEST(Streams, AnOperationOnAStreamGivesItsResultAtSynchronize) {
  for (const int ranks : {1, 2, 3, 4}) {
    ThreadWorld world(ranks);
    world.run([&](int rank, tuttiComm_t comm) {
      Stream stream;
      std::vector<std::int32_t> data(1000, rank + 1);
      expect_ok(
          tuttiAllReduce(data.data(), data.data(), data.size(), tuttiInt32, tuttiSum, comm, stream),
          comm);
      EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
      EXPECT_EQ(tuttiStreamQuery(stream), tuttiSuccess);
      EXPECT_EQ(data, std::vector<std::int32_t>(1000, ranks * (ranks + 1) / 2));
    });
  }
}

TEST(Streams, OperationsOnOneStreamRunInTheOrderOfTheirCalls) {
  ThreadWorld world(3);
  world.run([&](int, tuttiComm_t comm) {
    Stream stream;
    std::uint64_t value = 1;
    for (int i = 0; i < 20; ++i) {
      expect_ok(tuttiAllReduce(&value, &value, 1, tuttiUint64, tuttiSum, comm, stream), comm);
      stream.launch([&value] { ++value; });
    }
    stream.synchronize();
    std::uint64_t expected = 1;
    for (int i = 0; i < 20; ++i) expected = 3 * expected + 1;
    EXPECT_EQ(value, expected);
  });
}

TEST(Streams, ALaterOperationOnAnotherStreamFinishesWhileAnEarlierOneIsHeldBack) {
  ThreadWorld world(2);
  world.run([&](int rank, tuttiComm_t comm) {
    Stream held, free;
    Gate gate;
    gate.hold(held);
    std::int32_t first = rank, second = 10 * rank, third = 100 * rank;
    expect_ok(tuttiAllReduce(&first, &first, 1, tuttiInt32, tuttiMax, comm, held), comm);
    expect_ok(tuttiAllReduce(&second, &second, 1, tuttiInt32, tuttiMax, comm, free), comm);
    free.synchronize();
    EXPECT_EQ(second, 10);
    EXPECT_EQ(tuttiStreamQuery(held), tuttiInProgress);
    expect_ok(tuttiAllReduce(&third, &third, 1, tuttiInt32, tuttiMax, comm, nullptr), comm);
    EXPECT_EQ(third, 100);
    EXPECT_EQ(first, rank);
    gate.release();
    held.synchronize();
    EXPECT_EQ(first, 1);
  });
}

TEST(Streams, CountsAndDisplacementsMayChangeWhenTheCallHasReturned) {
  constexpr int kRanks = 3;
  ThreadWorld world(kRanks);
  world.run([&](int rank, tuttiComm_t comm) {
    Stream stream;
    Gate gate;
    gate.hold(stream);
    // Rank r sends r + 1 elements to everybody.
    std::vector<std::size_t> sendcounts(kRanks, static_cast<std::size_t>(rank) + 1);
    std::vector<std::size_t> recvcounts{1, 2, 3}, displs{0, 3, 6};
    std::vector<std::int32_t> sent(9, rank + 7), received(9, -1);
    expect_ok(tuttiAlltoAllv(sent.data(), sendcounts.data(), displs.data(), received.data(),
                             recvcounts.data(), displs.data(), tuttiInt32, comm, stream),
              comm);
    for (auto* array : {&sendcounts, &recvcounts, &displs}) array->assign(kRanks, 1u << 30);
    gate.release();
    stream.synchronize();
    EXPECT_EQ(received, (std::vector<std::int32_t>{7, -1, -1, 8, 8, -1, 9, 9, 9}));
  });
}

TEST(Streams, OneStreamServesSeveralCommunicators) {
  ThreadWorld one(2), other(2);
  on_ranks(2, [&](int rank) {
    Stream stream;
    std::int64_t a = rank + 1, b = 0;
    expect_ok(tuttiAllReduce(&a, &a, 1, tuttiInt64, tuttiSum, one[rank], stream), one[rank]);
    expect_ok(tuttiAllReduce(&a, &b, 1, tuttiInt64, tuttiSum, other[rank], stream), other[rank]);
    stream.synchronize();
    EXPECT_EQ(a, 3);
    EXPECT_EQ(b, 6);
  });
}

TEST(Streams, MoreOperationsThanSlotsMakeTheCallerWaitForALateRank) {
  constexpr int kCalls = 100;
  ThreadWorld world(2);
  std::atomic<bool> started{false};
  world.run([&](int rank, tuttiComm_t comm) {
    Stream stream;
    if (rank == 1) started.wait(false);
    std::vector<std::int32_t> data(kCalls);
    std::iota(data.begin(), data.end(), rank);
    for (int i = 0; i < kCalls; ++i) {
      if (i == 5) {
        started.store(true);
        started.notify_all();
      }
      auto* item = &data[static_cast<std::size_t>(i)];
      expect_ok(tuttiAllReduce(item, item, 1, tuttiInt32, tuttiSum, comm, stream), comm);
    }
    stream.synchronize();
    for (int i = 0; i < kCalls; ++i) EXPECT_EQ(data[static_cast<std::size_t>(i)], 2 * i + 1);
  });
}

// Sizes go through every algorithm; each stream checks its own results, late ones included.
TEST(Streams, ThreeStreamsWithAThousandOperationsEach) {
  constexpr int kStreams = 3;
  constexpr int kRounds = 1000;
  ThreadWorld world(3);
  world.run([&](int rank, tuttiComm_t comm) {
    Stream streams[kStreams];
    const std::size_t sizes[] = {1, 7, 40, 300, 3000, 20000};
    std::vector<std::int32_t> data[kStreams];
    for (auto& buffer : data) buffer.resize(sizes[5]);
    int wrong[kStreams] = {};
    for (int round = 0; round < kRounds; ++round) {
      for (int s = 0; s < kStreams; ++s) {
        auto& buffer = data[s];
        const std::size_t count = round % 50 == 0 ? sizes[5] : sizes[(round + s) % 5];
        streams[s].launch([&buffer, count, rank, round] {
          std::fill_n(buffer.begin(), count, rank * 1000 + round);
        });
        expect_ok(tuttiAllReduce(buffer.data(), buffer.data(), count, tuttiInt32, tuttiSum, comm,
                                 streams[s]),
                  comm);
        streams[s].launch([&buffer, &errors = wrong[s], count, round] {
          const std::int32_t expected = 3000 + 3 * round;
          errors += buffer[0] != expected || buffer[count / 2] != expected ||
                    buffer[count - 1] != expected;
        });
      }
    }
    for (int s = 0; s < kStreams; ++s) {
      streams[s].synchronize();
      EXPECT_EQ(wrong[s], 0);
    }
  });
}

TEST(Streams, HostFunctionsWithoutAStreamRunAtOnce) {
  int calls = 0;
  EXPECT_EQ(tuttiLaunchHostFunc(
                nullptr, [](void* user) { ++*static_cast<int*>(user); }, &calls),
            tuttiSuccess);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(tuttiLaunchHostFunc(nullptr, nullptr, &calls), tuttiInvalidArgument);
}

TEST(Streams, DestroyingAStreamRunsItsQueueFirst) {
  int calls = 0;
  {
    Stream stream;
    for (int i = 0; i < 50; ++i) stream.launch([&calls] { ++calls; });
  }
  EXPECT_EQ(calls, 50);
}

TEST(Streams, NullIsTheCallerAndAlwaysIdle) {
  EXPECT_EQ(tuttiStreamQuery(nullptr), tuttiSuccess);
  EXPECT_EQ(tuttiStreamSynchronize(nullptr), tuttiSuccess);
  EXPECT_EQ(tuttiStreamDestroy(nullptr), tuttiSuccess);
  EXPECT_EQ(tuttiStreamCreate(nullptr), tuttiInvalidArgument);
}

}  // namespace
