// Send and Recv: sizes, order, rings, self, streams, the wrap of counters.
#include <cstdint>

#include "tests/support/scale.hpp"
#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"
#include "tutti/stream.hpp"

namespace tutti::test {
namespace {

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

class Messages : public testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

TEST_P(Messages, EverySizeArrives) {
  run(2, [](int rank, tuttiComm_t comm) {
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

TEST_P(Messages, OfOnePairArriveInTheOrderOfTheirSends) {
  run(2, [](int rank, tuttiComm_t comm) {
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

TEST_P(Messages, TwoSmallOnesNeedNoReceiverYet) {
  run(2, [](int rank, tuttiComm_t comm) {
    for (int i = 0; i < 2; ++i) send(pattern(32, rank), 1 - rank, comm);
    for (int i = 0; i < 2; ++i) {
      Bytes got(32);
      receive(got, 1 - rank, comm);
      EXPECT_EQ(got, pattern(32, 1 - rank));
    }
  });
}

class MessagesOfRanks : public testing::TestWithParam<std::tuple<World, int>> {
 protected:
  static int ranks() { return std::get<1>(GetParam()); }
  static void run(const World::Body& body) { std::get<0>(GetParam()).run(ranks(), body); }
};

TEST_P(MessagesOfRanks, GoRoundARing) {
  run([](int rank, tuttiComm_t comm) {
    const int n = ranks();
    for (const std::size_t size : kSizes) {
      const Bytes mine = pattern(size, rank);
      Bytes got(size);
      Group group;
      send(mine, (rank + 1) % n, comm);
      receive(got, (rank + n - 1) % n, comm);
      group.commit();
      EXPECT_EQ(got, pattern(size, (rank + n - 1) % n)) << size;
    }
  });
}

TEST_P(MessagesOfRanks, GoBetweenAllPairsInOneGroup) {
  run([](int rank, tuttiComm_t comm) {
    const int n = ranks();
    constexpr int kEach = 5;  // more than a pair has slots
    std::vector<Bytes> mine, got;
    for (int peer = 0; peer < n; ++peer) {
      for (int i = 0; i < kEach; ++i) {
        const auto size = 20 + 9000 * static_cast<std::size_t>(i);
        mine.push_back(pattern(size, rank * 16 + peer + i));
        got.emplace_back(size);
      }
    }
    Group group;
    for (int peer = n - 1; peer >= 0; --peer) {
      for (int i = 0; i < kEach; ++i) {
        const auto at = static_cast<std::size_t>(peer) * kEach + static_cast<std::size_t>(i);
        send(mine[at], peer, comm);
        receive(got[at], peer, comm);
      }
    }
    group.commit();
    for (int peer = 0; peer < n; ++peer) {
      for (int i = 0; i < kEach; ++i) {
        const auto at = static_cast<std::size_t>(peer) * kEach + static_cast<std::size_t>(i);
        EXPECT_EQ(got[at], pattern(got[at].size(), peer * 16 + rank + i));
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, MessagesOfRanks,
                         testing::Combine(testing::ValuesIn(worlds()),
                                          testing::ValuesIn(rank_counts())));

TEST_P(Messages, OnStreamsKeepTheOrderOfTheirCalls) {
  run(2, [](int rank, tuttiComm_t comm) {
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

TEST_P(Messages, OnAStreamKeepHeapMemoryFromBeingFreed) {
  run(2, [](int rank, tuttiComm_t comm) {
    const Sibling turns(comm);
    const auto take_turn = [&] { expect_ok(tuttiBarrier(turns, nullptr), turns); };
    if (rank == 1) {
      take_turn();
      Bytes got(5000, 1);
      receive(got, 0, comm);
      EXPECT_EQ(got, Bytes(5000, 0));
      return;
    }
    void* heap = nullptr;
    ASSERT_EQ(tuttiMemAlloc(&heap, 5000), tuttiSuccess);
    Stream stream;
    expect_ok(tuttiSend(heap, 5000, tuttiUint8, 1, comm, stream), comm);
    EXPECT_EQ(tuttiMemFree(heap), tuttiInvalidUsage);
    take_turn();
    stream.synchronize();
    EXPECT_EQ(tuttiMemFree(heap), tuttiSuccess);
  });
}

// The number of a message occupies the high half of a line: this wraps it to zero.
TEST_P(Messages, GoOnWhenTheirCountersWrap) {
  const ScopedVariable start("TUTTI_SEQUENCE_START", std::to_string((std::int64_t{1} << 48) - 5));
  run(3, [](int rank, tuttiComm_t comm) {
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

INSTANTIATE_TEST_SUITE_P(Worlds, Messages, testing::ValuesIn(worlds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
