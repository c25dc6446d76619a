// Send and Recv between ranks in threads: sizes, order, rings, self, streams, the wrap of counters.
#include <cstdint>

#include "tests/support/thread_world.hpp"
#include "tutti/stream.hpp"

namespace {

using tutti::Group;
using tutti::Stream;
using tutti::test::expect_ok;
using tutti::test::ScopedVariable;
using tutti::test::ThreadWorld;
using Bytes = std::vector<std::uint8_t>;

Bytes pattern(std::size_t count, int seed) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 256 + static_cast<std::size_t>(seed));
  }
  return bytes;
}

void send(const Bytes& bytes, int peer, tuttiComm_t comm, tuttiStream_t stream = nullptr) {
  expect_ok(tuttiSend(bytes.data(), bytes.size(), tuttiUint8, peer, comm, stream), comm);
}
void receive(Bytes& bytes, int peer, tuttiComm_t comm, tuttiStream_t stream = nullptr) {
  expect_ok(tuttiRecv(bytes.data(), bytes.size(), tuttiUint8, peer, comm, stream), comm);
}

constexpr std::size_t kSizes[] = {0, 1, 31, 32, 33, 1000, 131072, 131073, 3000000};

TEST(Messages, EverySizeArrives) {
  ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    for (const std::size_t size : kSizes) {
      if (rank == 0) {
        send(pattern(size, 3), 1, comm);
      } else {
        Bytes got(size);
        receive(got, 0, comm);
        EXPECT_EQ(got, pattern(size, 3)) << size;
      }
    }
  });
}

TEST(Messages, OfOnePairArriveInTheOrderOfTheirSends) {
  ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    for (int i = 0; i < 1000; ++i) {
      const std::size_t size = i % 3 == 0 ? 8 : 200;
      if (rank == 0) {
        send(pattern(size, i), 1, comm);
      } else {
        Bytes got(size);
        receive(got, 0, comm);
        ASSERT_EQ(got, pattern(size, i));
      }
    }
  });
}

TEST(Messages, TwoSmallOnesNeedNoReceiverYet) {
  ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    for (int i = 0; i < 2; ++i) send(pattern(32, rank), 1 - rank, comm);
    for (int i = 0; i < 2; ++i) {
      Bytes got(32);
      receive(got, 1 - rank, comm);
      EXPECT_EQ(got, pattern(32, 1 - rank));
    }
  });
}

class MessagesOfRanks : public testing::TestWithParam<int> {};

TEST_P(MessagesOfRanks, GoRoundARing) {
  const int ranks = GetParam();
  ThreadWorld world(ranks);
  world.run([&](int rank, tuttiComm_t comm) {
    for (const std::size_t size : kSizes) {
      const Bytes mine = pattern(size, rank);
      Bytes got(size);
      Group group;
      send(mine, (rank + 1) % ranks, comm);
      receive(got, (rank + ranks - 1) % ranks, comm);
      group.commit();
      EXPECT_EQ(got, pattern(size, (rank + ranks - 1) % ranks)) << size;
    }
  });
}

TEST_P(MessagesOfRanks, GoBetweenAllPairsInOneGroup) {
  const int ranks = GetParam();
  ThreadWorld world(ranks);
  world.run([&](int rank, tuttiComm_t comm) {
    constexpr int kEach = 5;  // more than a pair has slots
    std::vector<Bytes> mine, got;
    for (int peer = 0; peer < ranks; ++peer) {
      for (int i = 0; i < kEach; ++i) {
        const auto size = static_cast<std::size_t>(20 + 9000 * i);
        mine.push_back(pattern(size, rank * 16 + peer + i));
        got.emplace_back(size);
      }
    }
    Group group;
    for (int peer = ranks - 1; peer >= 0; --peer) {
      for (int i = 0; i < kEach; ++i) {
        const auto at = static_cast<std::size_t>(peer * kEach + i);
        send(mine[at], peer, comm);
        receive(got[at], peer, comm);
      }
    }
    group.commit();
    for (int peer = 0; peer < ranks; ++peer) {
      for (int i = 0; i < kEach; ++i) {
        const auto at = static_cast<std::size_t>(peer * kEach + i);
        EXPECT_EQ(got[at], pattern(got[at].size(), peer * 16 + rank + i));
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Messages, MessagesOfRanks, testing::Values(1, 2, 3, 4, 7, 8));

TEST(Messages, OneThreadHoldsBothSides) {
  ThreadWorld world(2);
  const Bytes mine = pattern(100000, 1);
  Bytes got(mine.size());
  Group group;
  receive(got, 0, world[1]);
  send(mine, 1, world[0]);
  group.commit();
  EXPECT_EQ(got, mine);
}

TEST(Messages, OnStreamsKeepTheOrderOfTheirCalls) {
  ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    Stream streams[3];
    constexpr std::size_t kMessages = 200;
    std::vector<Bytes> data;
    for (std::size_t i = 0; i < kMessages; ++i) {
      const std::size_t size = i % 4 * 3000;
      data.push_back(rank == 0 ? pattern(size, static_cast<int>(i)) : Bytes(size));
    }
    for (std::size_t i = 0; i < kMessages; ++i) {
      // The sides use their streams in different patterns.
      if (rank == 0) {
        send(data[i], 1, comm, streams[i % 3]);
      } else {
        receive(data[i], 0, comm, streams[i / 5 % 3]);
      }
    }
    for (Stream& stream : streams) stream.synchronize();
    for (std::size_t i = 0; i < kMessages; ++i) {
      EXPECT_EQ(data[i], pattern(data[i].size(), static_cast<int>(i)));
    }
  });
}

TEST(Messages, OnAStreamKeepHeapMemoryFromBeingFreed) {
  ThreadWorld world(2);
  void* heap = nullptr;
  ASSERT_EQ(tuttiMemAlloc(&heap, 5000), tuttiSuccess);
  Stream stream;
  expect_ok(tuttiSend(heap, 5000, tuttiUint8, 1, world[0], stream), world[0]);
  EXPECT_EQ(tuttiMemFree(heap), tuttiInvalidUsage);
  Bytes got(5000, 1);
  receive(got, 0, world[1]);
  stream.synchronize();
  EXPECT_EQ(got, Bytes(5000, 0));
  EXPECT_EQ(tuttiMemFree(heap), tuttiSuccess);
}

// The number of a message occupies the high half of a line: this wraps it to zero.
TEST(Messages, GoOnWhenTheirCountersWrap) {
  const ScopedVariable start("TUTTI_SEQUENCE_START", std::to_string((std::int64_t{1} << 48) - 5));
  ThreadWorld world(3);
  world.run([](int rank, tuttiComm_t comm) {
    for (int i = 0; i < 20; ++i) {
      const std::size_t size = i % 2 == 0 ? 16 : 5000;
      const Bytes mine = pattern(size, rank + i);
      Bytes got(size), own(size);
      Group group;
      send(mine, (rank + 1) % 3, comm);
      send(mine, rank, comm);
      receive(got, (rank + 2) % 3, comm);
      receive(own, rank, comm);
      group.commit();
      ASSERT_EQ(got, pattern(size, (rank + 2) % 3 + i));
      ASSERT_EQ(own, mine);
    }
  });
}

}  // namespace
