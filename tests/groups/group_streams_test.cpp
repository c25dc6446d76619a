// Groups on streams, and groups that mix streams, callers, collectives and messages.
#include <cstdint>

#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"
#include "tutti/stream.hpp"

namespace tutti::test {
namespace {

class GroupStreams : public testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

TEST_P(GroupStreams, EndDoesNotWaitForStreams) {
  run(2, [](int rank, tuttiComm_t comm) {
    const Sibling turns(comm);
    Stream stream;
    std::int32_t value = rank + 1;
    const auto take_turn = [&] { expect_ok(tuttiBarrier(turns, nullptr), turns); };
    if (rank == 1) take_turn();
    Group group;
    expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, comm, stream), comm);
    group.commit();
    if (rank == 0) {
      EXPECT_EQ(tuttiStreamQuery(stream), tuttiInProgress) << "its peer has not called yet";
      take_turn();
    }
    stream.synchronize();
    EXPECT_EQ(value, 3);
  });
}

TEST_P(GroupStreams, TheOrderOfCallsHoldsAcrossStreamsAndCallers) {
  run(3, [](int rank, tuttiComm_t comm) {
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
TEST_P(GroupStreams, MessagesRunBesideCollectives) {
  constexpr std::size_t kCount = 10000;
  run(2, [](int rank, tuttiComm_t comm) {
    for (const bool on_stream : {false, true}) {
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
    }
  });
}

TEST_P(GroupStreams, AFailureOnAStreamComesFromTheStream) {
  run(2, [](int rank, tuttiComm_t comm) {
    Stream stream;
    std::int32_t value = 1;
    Group group;
    expect_ok(tuttiAllReduce(&value, &value, 1, rank == 0 ? tuttiInt32 : tuttiUint32, tuttiSum,
                             comm, stream),
              comm);
    group.commit();
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiMismatch);
    EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, GroupStreams, testing::ValuesIn(worlds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
