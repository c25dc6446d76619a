// The C++ facade: how ranks meet.
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "facade.hpp"

namespace tutti_test {
namespace {

TEST(Facade, RanksMeetAtAnIdOrThroughTheCaller) {
  const tuttiUniqueId id = tutti::unique_id();
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<std::byte> board;
  int written = 0, read = 0;

  // An all-gather through memory; the second round waits until the first has been read.
  auto rank_main = [&](int rank) {
    Communicator joined = Communicator::join(id, rank, 2, {.name = "joined"});
    EXPECT_EQ(joined.rank(), rank);
    Communicator met = Communicator::meet(
        rank, 2, [&, rank](std::span<const std::byte> mine, std::span<std::byte> all) {
          std::unique_lock lock(mutex);
          arrived.wait(lock, [&] { return read % 2 == 0; });
          board.resize(all.size());
          std::memcpy(board.data() + static_cast<std::size_t>(rank) * mine.size(), mine.data(),
                      mine.size());
          const int round = written / 2;
          ++written;
          arrived.notify_all();
          arrived.wait(lock, [&] { return written >= 2 * (round + 1); });
          std::memcpy(all.data(), board.data(), all.size());
          ++read;
          arrived.notify_all();
          arrived.wait(lock, [&] { return read >= 2 * (round + 1); });
        });
    EXPECT_EQ(met.size(), 2);
  };
  std::jthread other(rank_main, 1);
  rank_main(0);
}

TEST(Facade, WhatTheCallersAllGatherThrowsIsThrown) {
  EXPECT_THROW(Communicator::meet(0, 2, [](auto, auto) { throw std::out_of_range("no network"); }),
               std::out_of_range);
}

}  // namespace
}  // namespace tutti_test
