// Messages between processes: private memory is copied by the kernel, or goes in chunks through
// pipes, heap memory is read in place, and a receiver that dies is named.
#include <gtest/gtest.h>
#include <signal.h>
#include <tutti/tutti.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/process_world.hpp"
#include "tests/support/thread_world.hpp"

namespace {

using tutti::test::ProcessWorld;

constexpr int kTimeoutMs = 60000;
constexpr std::size_t kSizes[] = {0, 5, 33, 4096, 131072, 131073, 300000, 600000};

std::uint8_t element(int from, int to, std::size_t i) {
  return static_cast<std::uint8_t>(static_cast<std::size_t>(from * 7 + to * 13) + i * 31 + i / 256);
}

// Status of a rank: 0, or the line of what went wrong.
#define NEED(condition) \
  if (!(condition))     \
  return (std::fprintf(stderr, "rank %d: %s: %s\n", rank, #condition, tuttiGetLastError(comm)), 1)

struct Memory {
  void* heap = nullptr;
  std::vector<std::uint8_t> plain;
  std::uint8_t* get(std::size_t bytes, bool from_heap) {
    if (from_heap && tuttiMemAlloc(&heap, bytes) == tuttiSuccess) {
      return static_cast<std::uint8_t*>(heap);
    }
    plain.resize(bytes);
    return plain.data();
  }
  ~Memory() { (void)tuttiMemFree(heap); }
};

// Everybody sends to everybody, itself included, three messages of each size in one group.
int all_pairs(int rank, tuttiComm_t comm, int ranks, bool from_heap) {
  for (const std::size_t size : kSizes) {
    constexpr int kEach = 3;
    std::vector<Memory> out(static_cast<std::size_t>(ranks) * kEach), in(out.size());
    std::vector<std::uint8_t*> received;
    NEED(tuttiGroupStart() == tuttiSuccess);
    for (int peer = 0; peer < ranks; ++peer) {
      for (int k = 0; k < kEach; ++k) {
        const auto at = static_cast<std::size_t>(peer) * kEach + static_cast<std::size_t>(k);
        std::uint8_t* data = out[at].get(size, from_heap && k != 1);
        for (std::size_t i = 0; i < size; ++i) data[i] = element(rank, peer + k, i);
        received.push_back(in[at].get(size, from_heap));
        NEED(tuttiSend(data, size, tuttiUint8, peer, comm, nullptr) == tuttiSuccess);
        NEED(tuttiRecv(received.back(), size, tuttiUint8, peer, comm, nullptr) == tuttiSuccess);
      }
    }
    NEED(tuttiGroupEnd() == tuttiSuccess);
    for (int peer = 0; peer < ranks; ++peer) {
      for (int k = 0; k < kEach; ++k) {
        const std::uint8_t* data =
            received[static_cast<std::size_t>(peer) * kEach + static_cast<std::size_t>(k)];
        for (std::size_t i = 0; i < size; ++i) NEED(data[i] == element(peer, rank + k, i));
      }
    }
  }
  NEED(tuttiBarrier(comm, nullptr) == tuttiSuccess);
  return 0;
}

class MessageProcesses : public testing::TestWithParam<int> {};

TEST_P(MessageProcesses, ExchangePrivateMemory) {
  const int ranks = GetParam();
  ProcessWorld world(ranks, kTimeoutMs, [&](int rank, tuttiComm_t comm) {
    return all_pairs(rank, comm, ranks, false);
  });
  for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(world.wait(rank), 0) << rank;
}

TEST_P(MessageProcesses, ExchangePrivateMemoryThroughPipes) {
  const tutti::test::ScopedVariable in_place("TUTTI_IN_PLACE", "0");
  const int ranks = GetParam();
  ProcessWorld world(ranks, kTimeoutMs, [&](int rank, tuttiComm_t comm) {
    return all_pairs(rank, comm, ranks, false);
  });
  for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(world.wait(rank), 0) << rank;
}

TEST_P(MessageProcesses, ExchangeHeapMemoryMixedWithPrivate) {
  const int ranks = GetParam();
  ProcessWorld world(ranks, kTimeoutMs, [&](int rank, tuttiComm_t comm) {
    return all_pairs(rank, comm, ranks, true);
  });
  for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(world.wait(rank), 0) << rank;
}

INSTANTIATE_TEST_SUITE_P(Messages, MessageProcesses, testing::Values(1, 2, 3, 4, 7));

// Also where the connection to the receiver had only begun, and others say already that the sender
// has left.
TEST(MessageProcesses, AMessageComesThoughItsSenderHasLeft) {
  constexpr int kRanks = 8, kRounds = 30;
  for (int round = 0; round < kRounds && !testing::Test::HasFailure(); ++round) {
    ProcessWorld world(kRanks, kTimeoutMs, [](int rank, tuttiComm_t comm) {
      int out = rank, in = -1;
      const int to = (rank + 1) % kRanks, from = (rank + kRanks - 1) % kRanks;
      NEED(tuttiGroupStart() == tuttiSuccess);
      NEED(tuttiSend(&out, 1, tuttiInt32, to, comm, nullptr) == tuttiSuccess);
      NEED(tuttiRecv(&in, 1, tuttiInt32, from, comm, nullptr) == tuttiSuccess);
      NEED(tuttiGroupEnd() == tuttiSuccess);
      NEED(in == from);
      NEED(tuttiCommDestroy(comm) == tuttiSuccess);
      return 0;
    });
    for (int rank = 0; rank < kRanks; ++rank) EXPECT_EQ(world.wait(rank), 0) << rank;
  }
}

TEST(MessageProcesses, AReceiverThatDiesIsNamed) {
  ProcessWorld world(2, kTimeoutMs, [](int rank, tuttiComm_t comm) {
    if (rank == 1) ::pause();
    std::vector<std::uint8_t> data(1000000);
    NEED(tuttiSend(data.data(), data.size(), tuttiUint8, 1, comm, nullptr) == tuttiRemoteError);
    NEED(std::strstr(tuttiGetLastError(comm), "rank 1") != nullptr);
    return 0;
  });
  ::usleep(300000);
  world.kill(1, SIGKILL);
  EXPECT_EQ(world.wait(0), 0);
  EXPECT_EQ(world.wait(1), -SIGKILL);
}

}  // namespace
