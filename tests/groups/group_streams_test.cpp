// Groups on streams, and groups that mix streams, callers, collectives and messages.
#include <cstdint>

#include "tests/support/thread_world.hpp"
#include "tutti/stream.hpp"

namespace {

using tutti::Group;
using tutti::Stream;
using tutti::test::expect_ok;
using tutti::test::ThreadWorld;

TEST(GroupStreams, EndDoesNotWaitForStreams) {
  ThreadWorld world(2);
  Stream streams[2];
  std::int32_t values[2] = {1, 2};
  const auto reduce = [&](int rank) {
    Group group;
    expect_ok(tuttiAllReduce(&values[rank], &values[rank], 1, tuttiInt32, tuttiSum, world[rank],
                             streams[rank]),
              world[rank]);
    group.commit();
  };
  reduce(0);  // its peer has not called yet
  EXPECT_EQ(tuttiStreamQuery(streams[0]), tuttiInProgress);
  reduce(1);
  for (Stream& stream : streams) stream.synchronize();
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[1], 3);
}

TEST(GroupStreams, AllRanksOfACommunicatorMayUseOneStream) {
  constexpr int kRanks = 4;
  constexpr int kCalls = 60;
  ThreadWorld world(kRanks);
  Stream stream;
  std::vector<std::int32_t> values(kRanks * kCalls, 1);
  int after = 0;
  Group group;
  for (int call = 0; call < kCalls; ++call) {
    for (int rank = 0; rank < kRanks; ++rank) {
      auto* value = &values[static_cast<std::size_t>(rank * kCalls + call)];
      expect_ok(tuttiAllReduce(value, value, 1, tuttiInt32, tuttiSum, world[rank], stream),
                world[rank]);
    }
  }
  group.commit();
  stream.launch([&] { after = values.back(); });
  stream.synchronize();
  EXPECT_EQ(values, std::vector<std::int32_t>(kRanks * kCalls, kRanks));
  EXPECT_EQ(after, kRanks);
}

TEST(GroupStreams, TheOrderOfCallsHoldsAcrossStreamsAndCallers) {
  ThreadWorld world(3);
  world.run([](int rank, tuttiComm_t comm) {
    Stream first, second;
    for (int round = 0; round < 50; ++round) {
      // Ranks run the same operations in different places.
      tuttiStream_t places[] = {first.get(), second.get(), nullptr};
      std::int64_t values[6];
      Group group;
      for (int i = 0; i < 6; ++i) {
        values[i] = rank + i;
        expect_ok(tuttiAllReduce(&values[i], &values[i], 1, tuttiInt64, tuttiSum, comm,
                                 places[(i + rank) % 3]),
                  comm);
      }
      group.commit();
      first.synchronize();
      second.synchronize();
      for (int i = 0; i < 6; ++i) EXPECT_EQ(values[i], 3 + 3 * i);
    }
  });
}

// What would deadlock outside a group: a message before a collective on one side, after it on the
// other, and more bytes than fit a line.
TEST(GroupStreams, MessagesRunBesideCollectives) {
  ThreadWorld world(2);
  constexpr std::size_t kCount = 10000;
  for (const bool on_stream : {false, true}) {
    world.run([&](int rank, tuttiComm_t comm) {
      Stream stream;
      const tuttiStream_t where = on_stream ? stream.get() : nullptr;
      std::vector<std::int32_t> message(kCount, rank == 0 ? 7 : 0);
      std::int32_t sum = 1;
      const auto reduce = [&] {
        expect_ok(tuttiAllReduce(&sum, &sum, 1, tuttiInt32, tuttiSum, comm, where), comm);
      };
      Group group;
      if (rank == 0) {
        expect_ok(tuttiSend(message.data(), kCount, tuttiInt32, 1, comm, where), comm);
        reduce();
      } else {
        reduce();
        expect_ok(tuttiRecv(message.data(), kCount, tuttiInt32, 0, comm, where), comm);
      }
      group.commit();
      stream.synchronize();
      EXPECT_EQ(sum, 2);
      EXPECT_EQ(message, std::vector<std::int32_t>(kCount, 7));
    });
  }
}

TEST(GroupStreams, AFailureOnAStreamComesFromTheStream) {
  ThreadWorld world(2);
  Stream streams[2];
  std::int32_t values[2] = {1, 1};
  Group group;
  for (int r = 0; r < 2; ++r) {
    expect_ok(tuttiAllReduce(&values[r], &values[r], 1, r == 0 ? tuttiInt32 : tuttiUint32, tuttiSum,
                             world[r], streams[r]),
              world[r]);
  }
  group.commit();
  for (Stream& stream : streams) {
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiMismatch);
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
  }
}

}  // namespace
