// How tests of a transport exchange data: in rounds, through blocks of the heap.
#pragma once

#include <functional>
#include <vector>

#include "memory/heap.hpp"
#include "tests/transport/conformance.hpp"

namespace tutti::test {

constexpr unsigned kMark = 0;  // sets of lines
constexpr unsigned kTaken = 1;

// Rounds in which every rank writes to every rank, raises a mark, checks what it was written, and
// lets the writers go on.
inline void exchange(TransportRank& rank, std::uint64_t rounds,
                     const std::function<void(Rank peer, std::uint64_t round)>& write,
                     const std::function<void(Rank source, std::uint64_t round)>& check) {
  for (std::uint64_t round = 1; round <= rounds && !testing::Test::HasFailure(); ++round) {
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      write(peer, round);
      rank.post(peer, rank.line(kMark, rank.rank()), round);
    }
    for (Rank source = 0; source < rank.ranks(); ++source) {
      ASSERT_TRUE(rank.await(rank.line(kMark, source), round));
      check(source, round);
      rank.post(source, rank.line(kTaken, rank.rank()), round);
    }
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      ASSERT_TRUE(rank.await(rank.line(kTaken, peer), round));
    }
  }
}

// A block of the process's heap for each rank, and where the blocks of all ranks lie.
class Blocks {
 public:
  Blocks(TransportRank& rank, std::size_t bytes) : bytes_(bytes) {
    data_ = static_cast<std::byte*>(Heap::of_this_process().allocate(bytes));
    offsets_ = all_gather_value(rank.bootstrap(), *Heap::of_this_process().offset_of(data_, bytes));
    addresses_ = all_gather_value(rank.bootstrap(), reinterpret_cast<std::uintptr_t>(data_));
  }
  ~Blocks() { Heap::of_this_process().free(data_); }
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;

  std::span<std::byte> mine() const { return {data_, bytes_}; }
  std::size_t offset(Rank peer) const { return offsets_[static_cast<std::size_t>(peer)]; }
  std::uintptr_t address(Rank peer) const { return addresses_[static_cast<std::size_t>(peer)]; }

 private:
  std::size_t bytes_;
  std::byte* data_;
  std::vector<std::size_t> offsets_;
  std::vector<std::uintptr_t> addresses_;
};

}  // namespace tutti::test
