// Ranks of one communicator as threads of a test.
#pragma once

#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <thread>
#include <vector>

#include "communicator/communicator.hpp"

namespace tutti::test {

// Runs body(rank) for ranks [0, ranks) at once.
template <typename Body>
void on_ranks(int ranks, Body body) {
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < ranks; ++rank) threads.emplace_back([&body, rank] { body(rank); });
}

// A communicator whose ranks live in this process.
class World {
 public:
  explicit World(int ranks) : comms_(static_cast<std::size_t>(ranks)) {
    EXPECT_EQ(tuttiCommInitAll(comms_.data(), ranks), tuttiSuccess) << tuttiGetLastError(nullptr);
  }
  ~World() {
    for (const tuttiComm_t comm : comms_) tuttiCommDestroy(comm);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int ranks() const { return static_cast<int>(comms_.size()); }
  // The handle is the world's; set it to NULL when the test destroys it.
  tuttiComm_t& operator[](int rank) { return comms_[static_cast<std::size_t>(rank)]; }

 private:
  std::vector<tuttiComm_t> comms_;
};

// The sum of 2^rank over all ranks tells who took part.
inline std::uint64_t census(tuttiComm_t comm, int rank) {
  std::uint64_t mine = std::uint64_t{1} << rank;
  std::uint64_t sum = 0;
  EXPECT_EQ(tuttiAllReduce(&mine, &sum, 1, tuttiUint64, tuttiSum, comm, nullptr), tuttiSuccess)
      << tuttiGetLastError(comm);
  return sum;
}

}  // namespace tutti::test
