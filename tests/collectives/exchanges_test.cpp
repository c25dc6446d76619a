// Every operation that only moves data, against where each element must come from.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <numeric>

#include "tests/collectives/buffers.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

// Sanitizers slow every access down; several chunks of staging are enough for them.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kLargest = 70'001;
#else
constexpr std::size_t kLargest = 300'007;
#endif

// Says who sent an element, to whom, and which one it is.
std::uint32_t element(int from, int to, std::size_t i) {
  return static_cast<std::uint32_t>(from) << 28 ^ static_cast<std::uint32_t>(to) << 24 ^
         static_cast<std::uint32_t>(i);
}
constexpr int kAll = 15;  // "to" of what goes to everybody
constexpr std::size_t kSize = sizeof(std::uint32_t);

std::uint32_t* words(Buffer& buffer) { return reinterpret_cast<std::uint32_t*>(buffer.data()); }

void fill(std::uint32_t* out, std::size_t count, int from, int to) {
  for (std::size_t i = 0; i < count; ++i) out[i] = element(from, to, i);
}

void expect_row(const std::uint32_t* row, std::size_t count, int from, int to, const char* what) {
  for (std::size_t i = 0; i < count; ++i) {
    if (row[i] == element(from, to, i)) continue;
    ADD_FAILURE() << what << ": element " << i << " of " << count << " from rank " << from << " is "
                  << std::hex << row[i];
    return;
  }
}

struct Shape {
  std::size_t count;
  bool in_place;
  Memory memory;
};

class Job {
 public:
  Job(int rank, int ranks, tuttiComm_t comm, const Shape& shape)
      : rank_(rank),
        ranks_(ranks),
        n_(static_cast<std::size_t>(ranks)),
        self_(static_cast<std::size_t>(rank)),
        comm_(comm),
        shape_(shape) {}

  void run() {
    broadcast();
    all_gather();
    all_to_all();
    gather();
    scatter();
    all_to_allv();
    all_gatherv();
    expect_ok(tuttiBarrier(comm_, nullptr), comm_);
  }

 private:
  std::size_t bytes(std::size_t rows = 1) const { return rows * shape_.count * kSize; }
  int root() const { return static_cast<int>(shape_.count) % ranks_; }

  void broadcast() {
    Buffer send(shape_.memory, bytes());
    Buffer other(shape_.memory, bytes());
    Buffer& recv = shape_.in_place ? send : other;
    if (rank_ == root()) fill(words(send), shape_.count, rank_, kAll);
    expect_ok(tuttiBroadcast(rank_ == root() ? send.data() : recv.data(), recv.data(), shape_.count,
                             tuttiUint32, root(), comm_, nullptr),
              comm_);
    expect_row(words(recv), shape_.count, root(), kAll, "broadcast");
  }

  void all_gather() {
    Buffer recv(shape_.memory, bytes(n_));
    Buffer other(shape_.memory, bytes());
    std::uint32_t* const send = shape_.in_place ? words(recv) + self_ * shape_.count : words(other);
    fill(send, shape_.count, rank_, kAll);
    expect_ok(tuttiAllGather(send, recv.data(), shape_.count, tuttiUint32, comm_, nullptr), comm_);
    for (int r = 0; r < ranks_; ++r) {
      expect_row(words(recv) + static_cast<std::size_t>(r) * shape_.count, shape_.count, r, kAll,
                 "all_gather");
    }
  }

  void all_to_all() {
    Buffer send(shape_.memory, bytes(n_));
    Buffer other(shape_.memory, bytes(n_));
    Buffer& recv = shape_.in_place ? send : other;
    for (int to = 0; to < ranks_; ++to) {
      fill(words(send) + static_cast<std::size_t>(to) * shape_.count, shape_.count, rank_, to);
    }
    expect_ok(tuttiAlltoAll(send.data(), recv.data(), shape_.count, tuttiUint32, comm_, nullptr),
              comm_);
    for (int from = 0; from < ranks_; ++from) {
      expect_row(words(recv) + static_cast<std::size_t>(from) * shape_.count, shape_.count, from,
                 rank_, "all_to_all");
    }
  }

  void gather() {
    Buffer recv(shape_.memory, bytes(n_));
    Buffer other(shape_.memory, bytes());
    const bool at_root = rank_ == root();
    std::uint32_t* const send =
        at_root && shape_.in_place ? words(recv) + self_ * shape_.count : words(other);
    fill(send, shape_.count, rank_, kAll);
    expect_ok(tuttiGather(send, at_root ? recv.data() : nullptr, shape_.count, tuttiUint32, root(),
                          comm_, nullptr),
              comm_);
    for (int r = 0; at_root && r < ranks_; ++r) {
      expect_row(words(recv) + static_cast<std::size_t>(r) * shape_.count, shape_.count, r, kAll,
                 "gather");
    }
  }

  void scatter() {
    Buffer send(shape_.memory, bytes(n_));
    Buffer other(shape_.memory, bytes());
    const bool at_root = rank_ == root();
    for (int to = 0; at_root && to < ranks_; ++to) {
      fill(words(send) + static_cast<std::size_t>(to) * shape_.count, shape_.count, rank_, to);
    }
    std::uint32_t* const recv =
        at_root && shape_.in_place ? words(send) + self_ * shape_.count : words(other);
    expect_ok(tuttiScatter(at_root ? send.data() : nullptr, recv, shape_.count, tuttiUint32, root(),
                           comm_, nullptr),
              comm_);
    expect_row(recv, shape_.count, root(), rank_, "scatter");
  }

  // Uneven: from and to the same pair equal, other pairs not, some nothing.
  std::size_t pair_count(std::size_t a, std::size_t b) const {
    return (a + b) % 3 == 2 ? 0 : shape_.count + (a + 1) * (b + 1) % 7;
  }

  void all_to_allv() {
    std::vector<std::size_t> counts(n_);
    std::vector<std::size_t> displs(n_);
    std::size_t end = 0;
    for (std::size_t r = 0; r < n_; ++r) {
      counts[r] = pair_count(self_, r);
      displs[r] = end + 1;
      end = displs[r] + counts[r];
    }
    Buffer send(shape_.memory, end * kSize);
    Buffer other(shape_.memory, end * kSize);
    Buffer& recv = shape_.in_place ? send : other;
    for (std::size_t r = 0; r < n_; ++r) {
      fill(words(send) + displs[r], counts[r], rank_, static_cast<int>(r));
    }
    expect_ok(tuttiAlltoAllv(send.data(), counts.data(), displs.data(), recv.data(), counts.data(),
                             displs.data(), tuttiUint32, comm_, nullptr),
              comm_);
    for (std::size_t r = 0; r < n_; ++r) {
      expect_row(words(recv) + displs[r], counts[r], static_cast<int>(r), rank_, "all_to_allv");
    }
  }

  void all_gatherv() {
    std::vector<std::size_t> counts(n_);
    std::vector<std::size_t> displs(n_);
    std::size_t end = 0;
    for (std::size_t r = 0; r < n_; ++r) {
      counts[r] = r % 3 == 1 ? 0 : shape_.count + r;
      displs[r] = end + 1;
      end = displs[r] + counts[r];
    }
    Buffer recv(shape_.memory, end * kSize);
    Buffer other(shape_.memory, counts[self_] * kSize);
    std::uint32_t* const send = shape_.in_place ? words(recv) + displs[self_] : words(other);
    fill(send, counts[self_], rank_, kAll);
    expect_ok(tuttiAllGatherv(send, counts[self_], recv.data(), counts.data(), displs.data(),
                              tuttiUint32, comm_, nullptr),
              comm_);
    for (std::size_t r = 0; r < n_; ++r) {
      expect_row(words(recv) + displs[r], counts[r], static_cast<int>(r), kAll, "all_gatherv");
    }
  }

  int rank_;
  int ranks_;
  std::size_t n_;
  std::size_t self_;
  tuttiComm_t comm_;
  Shape shape_;
};

// The second parameter is TUTTI_IN_PLACE: without it every buffer goes through staging, as private
// memory of other processes does.
class Exchanges : public testing::TestWithParam<std::tuple<int, const char*>> {
 protected:
  static int ranks() { return std::get<0>(GetParam()); }
  const ScopedVariable in_place_{"TUTTI_IN_PLACE", std::get<1>(GetParam())};
};

TEST_P(Exchanges, DeliverEveryElementForEverySizePlaceAndMemory) {
  const ThreadWorld world(ranks());
  world.run([](int rank, tuttiComm_t comm) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{6}, std::size_t{7}, std::size_t{300},
          std::size_t{5003}, std::size_t{50'001}, kLargest}) {
      for (const bool in_place : {false, true}) {
        for (const Memory memory : {Memory::kSymmetric, Memory::kPlain}) {
          Job(rank, ranks(), comm, {count, in_place, memory}).run();
        }
      }
    }
  });
}

TEST_P(Exchanges, MayMixBuffersOfBothKindsAcrossRanks) {
  const ThreadWorld world(ranks());
  world.run([](int rank, tuttiComm_t comm) {
    for (const std::size_t count : {5u, 900u, 60'000u}) {
      Job(rank, ranks(), comm, {count, false, rank % 2 == 0 ? Memory::kSymmetric : Memory::kPlain})
          .run();
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, Exchanges,
                         testing::Combine(testing::Values(1, 2, 3, 4, 7, 8),
                                          testing::Values("1", "0")));

// 20,000 operations back to back: lines, slots and credits many times round.
TEST(Epochs, KeepTheirOrderOverManyEpochs) {
  const ThreadWorld world(3);
  world.run([](int rank, tuttiComm_t comm) {
    std::uint32_t send[3];
    std::uint32_t recv[3];
    for (std::uint32_t epoch = 0; epoch < 20'000; ++epoch) {
      for (std::uint32_t to = 0; to < 3; ++to) {
        send[to] = epoch * 16 + static_cast<std::uint32_t>(rank) * 4 + to;
      }
      ASSERT_EQ(tuttiAlltoAll(send, recv, 1, tuttiUint32, comm, nullptr), tuttiSuccess)
          << tuttiGetLastError(comm);
      for (std::uint32_t from = 0; from < 3; ++from) {
        ASSERT_EQ(recv[from], epoch * 16 + from * 4 + static_cast<std::uint32_t>(rank));
      }
    }
  });
}

// A root that only sends runs ahead of its peers until their credit stops it, and no further.
TEST(Epochs, LetARootRunAheadWithoutLosingAnything) {
  const ThreadWorld world(3);
  world.run([](int rank, tuttiComm_t comm) {
    for (std::uint32_t epoch = 0; epoch < 3000; ++epoch) {
      std::uint32_t words[64];
      std::fill(std::begin(words), std::end(words), rank == 0 ? epoch : 0);
      ASSERT_EQ(tuttiBroadcast(words, words, 64, tuttiUint32, 0, comm, nullptr), tuttiSuccess);
      ASSERT_EQ(words[0], epoch);
      ASSERT_EQ(words[63], epoch);
      if (rank == 2 && epoch % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
}

}  // namespace
}  // namespace tutti::test
