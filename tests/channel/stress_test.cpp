// Random schedules: operations of all kinds, on three worker threads of each rank, with delays. The
// seed is printed; TUTTI_TEST_SEED repeats a run.
#include <condition_variable>
#include <deque>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

#include "tests/channel/exchanges.hpp"

namespace tutti::test {

namespace {

// Runs tasks in order on a thread of its own.
class Worker {
 public:
  Worker() : thread_([this] { work(); }) {}
  ~Worker() {
    push({});
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void push(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !tasks_.empty(); });
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      if (!task) return;
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::thread thread_;
};

void run_one(const Operation& operation, unsigned kind) {
  switch (kind % 5) {
    case 0:
      return all_to_all(operation);
    case 1:
      return one_way(operation, static_cast<Rank>(kind / 5) % operation.ranks());
    case 2:
      return assembly(operation);
    case 3:
      return staged_ring(operation, 1 + kind / 5 % 7);
    default:
      // Two phases: nobody passes before all have read.
      all_to_all(operation);
      for (Rank peer = 0; peer < operation.ranks(); ++peer) {
        if (peer != operation.rank()) operation.post(peer, Phase::kDone);
      }
      for (Rank peer = 0; peer < operation.ranks(); ++peer) {
        if (peer != operation.rank()) operation.wait(peer, Phase::kDone);
      }
  }
}

void run_schedule(unsigned seed, int ranks, int operations) {
  const Sequence first = seed % 3 == 0 ? (Sequence{1} << 16) - 100 : 1;
  run_channels({.ranks = ranks, .first_sequence = first}, [&](ChannelRank& rank) {
    rank.channel().become_concurrent();
    std::mt19937 schedule(seed);  // the same on every rank
    std::mt19937 own(seed * 31 + static_cast<unsigned>(rank.rank()));
    std::mutex failure_mutex;
    std::string failure;
    {
      std::array<Worker, 3> workers;
      for (int i = 0; i < operations; ++i) {
        const unsigned kind = static_cast<unsigned>(schedule());
        const unsigned delay = own() % 64 == 0 ? static_cast<unsigned>(own() % 1000) : 0;
        const Operation operation = rank.begin();
        workers[own() % workers.size()].push([&, operation, kind, delay] {
          if (delay != 0) std::this_thread::sleep_for(std::chrono::microseconds(delay));
          try {
            run_one(operation, kind);
            operation.finish();
          } catch (const std::exception& error) {
            const std::lock_guard lock(failure_mutex);
            failure = error.what();
          }
        });
      }
    }
    EXPECT_EQ(failure, "") << "rank " << rank.rank();
  });
}

}  // namespace

TEST(ChannelStress, RandomSchedulesOnManyThreads) {
  const char* fixed = std::getenv("TUTTI_TEST_SEED");
  const unsigned seed =
      fixed != nullptr ? static_cast<unsigned>(std::stoul(fixed)) : std::random_device{}();
  std::cout << "TUTTI_TEST_SEED=" << seed << "\n";
  SCOPED_TRACE(testing::Message() << "TUTTI_TEST_SEED=" << seed);
  for (unsigned round = 0; round < 6 && !testing::Test::HasFailure(); ++round) {
    run_schedule(seed + round, 2 + static_cast<int>(round % 3), 600);
  }
}

}  // namespace tutti::test
