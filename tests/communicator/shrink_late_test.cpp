// Ranks that shrink with different lists, not at all or late: what ends at a deadline.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <atomic>
#include <barrier>
#include <random>
#include <string>
#include <vector>

#include "tests/communicator/census.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

using List = std::vector<int>;

tuttiResult_t shrink(tuttiComm_t comm, const List& excluded, tuttiComm_t& child) {
  child = nullptr;
  return tuttiCommShrink(comm, excluded.data(), static_cast<int>(excluded.size()), &child, nullptr,
                         TUTTI_SHRINK_DEFAULT);
}

// All ranks do, and find each other in the new communicator.
void expect_shrinks(const ThreadWorld& world) {
  world.run([&](int rank, tuttiComm_t comm) {
    tuttiComm_t child = nullptr;
    ASSERT_EQ(shrink(comm, {}, child), tuttiSuccess) << tuttiGetLastError(comm);
    EXPECT_EQ(census(child, rank), (std::uint64_t{1} << world.ranks()) - 1);
    EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
  });
}

void expect_mismatch(tuttiComm_t comm, const List& excluded, const std::string& named) {
  tuttiComm_t child = nullptr;
  EXPECT_EQ(shrink(comm, excluded, child), tuttiMismatch) << tuttiGetLastError(comm);
  EXPECT_NE(std::string(tuttiGetLastError(comm)).find(named), std::string::npos)
      << tuttiGetLastError(comm);
}

TEST(ShrinkDeadline, ARankThatAllOthersExcludeHearsOfItAtTheDeadline) {
  const ScopedVariable timeout("TUTTI_TIMEOUT_MS", "1000");
  const ThreadWorld world(4);
  world.run([](int rank, tuttiComm_t comm) {
    if (rank == 3) return expect_mismatch(comm, {}, "which shrank without rank 3");
    tuttiComm_t child = nullptr;
    EXPECT_EQ(shrink(comm, {3}, child), tuttiSuccess) << tuttiGetLastError(comm);
    EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
  });
  expect_shrinks(world);
}

TEST(ShrinkDeadline, ARankThatComesLateIsATimeoutAndThenWelcome) {
  const ScopedVariable timeout("TUTTI_TIMEOUT_MS", "500");
  const ThreadWorld world(3);
  world.run([](int rank, tuttiComm_t comm) {
    if (rank == 2) return;
    tuttiComm_t child = nullptr;
    EXPECT_EQ(shrink(comm, {}, child), tuttiTimeout) << tuttiGetLastError(comm);
  });
  // Rank 2 has called once less than the others.
  tuttiComm_t child = nullptr;
  EXPECT_EQ(shrink(world[2], {}, child), tuttiTimeout) << tuttiGetLastError(world[2]);
  expect_shrinks(world);
}

// Rounds of calls with lists that differ at random, each ending as it may; then one list for all.
TEST(ShrinkDeadline, WhateverWasTriedBeforeAnAgreedListSucceeds) {
  constexpr int kRanks = 5;
  constexpr unsigned kSeed = 20261124;
  const ScopedVariable timeout("TUTTI_TIMEOUT_MS", "300");
  std::mt19937 random(kSeed);
  const ThreadWorld world(kRanks);
  for (int round = 0; round < 15; ++round) {
    const int tries = 1 + static_cast<int>(random() % 3);
    std::vector<std::vector<List>> lists(kRanks);
    for (int rank = 0; rank < kRanks; ++rank) {
      for (int i = 0; i < tries; ++i) {
        List& list = lists[static_cast<std::size_t>(rank)].emplace_back();
        for (int other = 0; other < kRanks; ++other) {
          if (other != rank && random() % 3 == 0) list.push_back(other);
        }
      }
    }
    world.run([&](int rank, tuttiComm_t comm) {
      for (const List& list : lists[static_cast<std::size_t>(rank)]) {
        tuttiComm_t child = nullptr;
        if (shrink(comm, list, child) == tuttiSuccess) {
          EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
        }
      }
    });
    // A call may still meet what others left of theirs; nobody tells which rank begins first.
    constexpr int kCalls = 4;
    std::atomic<int> succeeded = 0;
    std::barrier together(kRanks);
    world.run([&](int rank, tuttiComm_t comm) {
      for (int call = 0; call < kCalls && succeeded != kRanks; ++call) {
        together.arrive_and_wait();
        succeeded = 0;
        together.arrive_and_wait();
        tuttiComm_t child = nullptr;
        if (shrink(comm, {}, child) == tuttiSuccess) {
          EXPECT_EQ(tuttiCommDestroy(child), tuttiSuccess);
          ++succeeded;
        }
        together.arrive_and_wait();
      }
      EXPECT_EQ(succeeded, kRanks)
          << "round " << round << ", rank " << rank << ": " << tuttiGetLastError(comm);
    });
  }
}

}  // namespace
}  // namespace tutti::test
