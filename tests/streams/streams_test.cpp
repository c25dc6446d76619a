// Operations on streams: order on one, freedom between several, back-pressure, copies of arrays.
#include <cstdint>
#include <numeric>

#include "tests/support/gate.hpp"
#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"
#include "tutti/stream.hpp"

namespace tutti::test {
namespace {

class Streams : public testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

TEST_P(Streams, AnOperationOnAStreamGivesItsResultAtSynchronize) {
  for (const int ranks : {1, 2, 3, 4}) {
    run(ranks, [&](int rank, tuttiComm_t comm) {
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

TEST_P(Streams, OperationsOnOneStreamRunInTheOrderOfTheirCalls) {
  run(3, [&](int, tuttiComm_t comm) {
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

TEST_P(Streams, ALaterOperationOnAnotherStreamFinishesWhileAnEarlierOneIsHeldBack) {
  run(2, [&](int rank, tuttiComm_t comm) {
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

TEST_P(Streams, CountsAndDisplacementsMayChangeWhenTheCallHasReturned) {
  constexpr int kRanks = 3;
  run(kRanks, [&](int rank, tuttiComm_t comm) {
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

TEST_P(Streams, OneStreamServesSeveralCommunicators) {
  run(2, [](int rank, tuttiComm_t one) {
    const Sibling other(one);
    Stream stream;
    std::int64_t a = rank + 1, b = 0;
    expect_ok(tuttiAllReduce(&a, &a, 1, tuttiInt64, tuttiSum, one, stream), one);
    expect_ok(tuttiAllReduce(&a, &b, 1, tuttiInt64, tuttiSum, other, stream), other);
    stream.synchronize();
    EXPECT_EQ(a, 3);
    EXPECT_EQ(b, 6);
  });
}

TEST_P(Streams, MoreOperationsThanSlotsMakeTheCallerWaitForALateRank) {
  constexpr int kCalls = 100;
  Gate started;
  run(2, [&](int rank, tuttiComm_t comm) {
    Stream stream;
    if (rank == 1) started.pass();
    std::vector<std::int32_t> data(kCalls);
    std::iota(data.begin(), data.end(), rank);
    for (int i = 0; i < kCalls; ++i) {
      if (i == 5) started.release();
      auto* item = &data[static_cast<std::size_t>(i)];
      expect_ok(tuttiAllReduce(item, item, 1, tuttiInt32, tuttiSum, comm, stream), comm);
    }
    stream.synchronize();
    for (int i = 0; i < kCalls; ++i) EXPECT_EQ(data[static_cast<std::size_t>(i)], 2 * i + 1);
  });
}

// Sizes go through every algorithm; each stream checks its own results, late ones included.
TEST_P(Streams, ThreeStreamsWithAThousandOperationsEach) {
  constexpr int kStreams = 3;
  constexpr int kRounds = 1000;
  run(3, [&](int rank, tuttiComm_t comm) {
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

TEST_P(Streams, HostFunctionsWithoutAStreamRunAtOnce) {
  run(1, [](int, tuttiComm_t) {
    int calls = 0;
    EXPECT_EQ(tuttiLaunchHostFunc(
                  nullptr, [](void* user) { ++*static_cast<int*>(user); }, &calls),
              tuttiSuccess);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(tuttiLaunchHostFunc(nullptr, nullptr, &calls), tuttiInvalidArgument);
  });
}

TEST_P(Streams, DestroyingAStreamRunsItsQueueFirst) {
  run(1, [](int, tuttiComm_t) {
    int calls = 0;
    {
      Stream stream;
      for (int i = 0; i < 50; ++i) stream.launch([&calls] { ++calls; });
    }
    EXPECT_EQ(calls, 50);
  });
}

TEST_P(Streams, NullIsTheCallerAndAlwaysIdle) {
  run(1, [](int, tuttiComm_t) {
    EXPECT_EQ(tuttiStreamQuery(nullptr), tuttiSuccess);
    EXPECT_EQ(tuttiStreamSynchronize(nullptr), tuttiSuccess);
    EXPECT_EQ(tuttiStreamDestroy(nullptr), tuttiSuccess);
    EXPECT_EQ(tuttiStreamCreate(nullptr), tuttiInvalidArgument);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, Streams, testing::ValuesIn(worlds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
