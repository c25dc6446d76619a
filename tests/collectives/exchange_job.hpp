// One rank's way through every operation that only moves data, each element compared with where it
// must come from.
#pragma once

#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <array>
#include <vector>

#include "tests/collectives/buffers.hpp"
#include "tests/collectives/uneven_parts.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {

// Says who sent an element, to whom, and which one it is.
inline std::uint32_t element(int from, int to, std::size_t i) {
  return static_cast<std::uint32_t>(from) << 28 ^ static_cast<std::uint32_t>(to) << 24 ^
         static_cast<std::uint32_t>(i);
}
inline constexpr int kAll = 15;  // "to" of what goes to everybody
inline constexpr std::size_t kSize = sizeof(std::uint32_t);

inline std::uint32_t* words(Buffer& buffer) {
  return reinterpret_cast<std::uint32_t*>(buffer.data());
}

inline void fill(std::uint32_t* out, std::size_t count, int from, int to) {
  for (std::size_t i = 0; i < count; ++i) out[i] = element(from, to, i);
}

inline void expect_row(const std::uint32_t* row, std::size_t count, int from, int to,
                       const char* what) {
  for (std::size_t i = 0; i < count; ++i) {
    if (row[i] == element(from, to, i)) continue;
    ADD_FAILURE() << what << ": element " << i << " of " << count << " from rank " << from << " is "
                  << std::hex << row[i];
    return;
  }
}

// One of many operations: every rank sends each a word that only this epoch has.
inline void exchange_words(int rank, int ranks, std::uint32_t epoch, bool in_place,
                           tuttiComm_t comm) {
  const auto word = [epoch](int from, int to) {
    return epoch * 16 + static_cast<std::uint32_t>(from * 4 + to);
  };
  std::array<std::uint32_t, 4> send{};
  std::array<std::uint32_t, 4> other{};
  auto& recv = in_place ? send : other;
  for (int to = 0; to < ranks; ++to) send[static_cast<std::size_t>(to)] = word(rank, to);
  ASSERT_EQ(tuttiAlltoAll(send.data(), recv.data(), 1, tuttiUint32, comm, nullptr), tuttiSuccess)
      << tuttiGetLastError(comm);
  for (int from = 0; from < ranks; ++from) {
    ASSERT_EQ(recv[static_cast<std::size_t>(from)], word(from, rank));
  }
}

struct Shape {
  std::size_t count;
  bool in_place;
  Memory memory;
};

class ExchangeJob {
 public:
  ExchangeJob(int rank, int ranks, tuttiComm_t comm, const Shape& shape)
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
    const auto [counts, displs, end] =
        UnevenParts(n_, 1, [&](std::size_t r) { return pair_count(self_, r); });
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
    const auto [counts, displs, end] =
        UnevenParts(n_, 1, [&](std::size_t r) { return UnevenParts::some(r, shape_.count); });
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

}  // namespace tutti::test
