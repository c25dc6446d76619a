// When the network's own thread may rest.
#include "transports/message/sleepers.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <tutti/error.hpp>

#include "base/futex.hpp"
#include "tests/unit/base/scoped_variable.hpp"

namespace tutti::message {
namespace {

using namespace std::chrono_literals;

class CountedNetwork final : public Sleepers::Network {
 public:
  void wait(Nanoseconds) noexcept override {}
  void rouse() noexcept override {}
  void poll() noexcept override {}
  void rouse_thread() noexcept override { roused_.fetch_add(1); }
  int roused() const { return roused_.load(); }

 private:
  std::atomic<int> roused_{0};
};

TEST(Sleepers, LetTheThreadRestWhileRanksLook) {
  const ScopedVariable thread("TUTTI_PROGRESS", "thread");
  CountedNetwork network;
  Sleepers sleepers(network);
  EXPECT_FALSE(sleepers.may_thread_rest());
  sleepers.note_poll();
  EXPECT_TRUE(sleepers.may_thread_rest());
  EXPECT_FALSE(sleepers.may_thread_rest());
}

TEST(Sleepers, LetTheThreadRestWhereCallersMoveFrames) {
  const ScopedVariable callers("TUTTI_PROGRESS", "callers");
  CountedNetwork network;
  Sleepers sleepers(network);
  EXPECT_TRUE(sleepers.is_moved_by_callers());
  EXPECT_TRUE(sleepers.may_thread_rest());
  // Until ranks that have left are asked for something, and again from then on.
  sleepers.keep_moving(true);
  EXPECT_EQ(network.roused(), 1);
  EXPECT_FALSE(sleepers.may_thread_rest());
  sleepers.keep_moving(true);
  sleepers.keep_moving(false);
  EXPECT_EQ(network.roused(), 1);
  EXPECT_TRUE(sleepers.may_thread_rest());
}

TEST(Sleepers, OnBellsAreServedByTheThreadWhoeverMovesFrames) {
  for (const char* const progress : {"thread", "callers"}) {
    const ScopedVariable variable("TUTTI_PROGRESS", progress);
    CountedNetwork network;
    Sleepers sleepers(network);
    sleepers.note_poll();
    ASSERT_TRUE(sleepers.may_thread_rest());
    Doorbell bell;
    std::thread sleeper([&] { sleepers.sleep_on_bell(bell, bell.ring.load(), 60s); });
    while (network.roused() == 0) std::this_thread::yield();
    EXPECT_FALSE(sleepers.may_thread_rest()) << progress;
    bell.ring.fetch_add(1);
    futex_wake_all(bell.ring);
    sleeper.join();
  }
}

TEST(Sleepers, RefuseAnotherWordForProgress) {
  const ScopedVariable variable("TUTTI_PROGRESS", "nobody");
  CountedNetwork network;
  EXPECT_THROW(Sleepers{network}, Error);
}

}  // namespace
}  // namespace tutti::message
