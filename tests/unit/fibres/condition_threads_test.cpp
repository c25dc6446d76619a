// The same tools where ranks are threads.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/clock.hpp"
#include "base/condition.hpp"
#include "base/pause.hpp"
#include "base/worker.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;

TEST(ConditionOnThreads, HandsATurnToAndFro) {
  constexpr int kTurns = 2000;
  std::mutex mutex;
  Condition changed{"the turn"};
  int turn = 0;
  const auto play = [&](int parity) {
    for (int i = parity; i < kTurns; i += 2) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return turn == i; });
      ++turn;
      changed.notify_one();
    }
  };
  Worker other("other", [&] { play(1); });
  play(0);
  other.join();
  EXPECT_EQ(turn, kTurns);
}

TEST(ConditionOnThreads, ADeadlineIsOnTheSteadyClock) {
  std::mutex mutex;
  Condition changed{"nothing"};
  std::unique_lock lock(mutex);
  const Nanoseconds start = steady_now();
  EXPECT_FALSE(changed.wait_for(lock, 30ms, [] { return false; }));
  EXPECT_GE(steady_now() - start, 30ms);
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_TRUE(changed.wait_until(lock, 0ns, [] { return true; }));
  EXPECT_FALSE(changed.wait_until(lock, current_time() + 1ms, [] { return false; }));
}

TEST(ConditionOnThreads, ATimeoutForEverIsNoOverflow) {
  std::mutex mutex;
  Condition changed{"the other thread"};
  bool come = false;
  Worker other("other", [&] {
    std::this_thread::sleep_for(5ms);
    const std::lock_guard lock(mutex);
    come = true;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, Nanoseconds::max(), [&] { return come; }));
}

TEST(LongMutexOnThreads, KeepsOthersOut) {
  LongMutex mutex{"the others"};
  int count = 0;
  {
    Worker one("one", [&] {
      for (int i = 0; i < 1000; ++i) {
        const std::lock_guard lock(mutex);
        ++count;
      }
    });
    for (int i = 0; i < 1000; ++i) {
      const std::lock_guard lock(mutex);
      ++count;
      if (i % 100 == 0) give_core_away();
    }
  }
  EXPECT_EQ(count, 2000);
}

TEST(WorkerOnThreads, IsAThreadWithANameThatIsJoined) {
  std::atomic<bool> inside{false};
  std::string name;
  bool knows_itself = false;
  {
    const std::thread::id caller = std::this_thread::get_id();
    Worker* self = nullptr;
    std::mutex made;
    std::unique_lock lock(made);
    Worker worker("tutti-test", [&] {
      const std::lock_guard until_made(made);
      char text[16] = {};
      ::pthread_getname_np(::pthread_self(), text, sizeof text);
      name = text;
      knows_itself = self->is_current();
      inside = std::this_thread::get_id() != caller;
    });
    self = &worker;
    EXPECT_FALSE(worker.is_current());
    lock.unlock();
  }
  EXPECT_TRUE(inside);
  EXPECT_TRUE(knows_itself);
  EXPECT_EQ(name, "tutti-test");
}

TEST(PauseOnThreads, TakesRealTime) {
  const Nanoseconds start = steady_now();
  pause_for(2ms);
  EXPECT_GE(current_time() - start, 2ms);
}

}  // namespace
}  // namespace tutti
