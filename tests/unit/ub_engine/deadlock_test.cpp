#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "world.hpp"

namespace tutti::ub {
namespace {

using testing::ElementsAre;
using End = Scheduler::End;

class Deadlock : public testing::Test {
 protected:
  World world;
  Scheduler& s = world.scheduler;
};

TEST_F(Deadlock, IsToldAtOnceWithWhatEverybodyWaitsFor) {
  std::vector<std::int64_t> timed_out;
  for (const int rank : {2, 0, 1}) {
    world.spawn(rank, [&, rank] {
      s.advance(ps(std::int64_t{10} * rank));
      const Waiting subject("rank " + std::to_string((rank + 1) % 3));
      EXPECT_EQ(s.park_until(ps(1000 - rank), subject), Wake::kDeadline);
      EXPECT_EQ(world.deadlocks.size(), 1u) << "told before the first deadline, and once";
      timed_out.push_back(s.now().count());
    });
  }
  world.spawn(
      1,
      [&] {
        EXPECT_EQ(s.join(FibreId{2, 1}), Wake::kWoken);
      },
      3);
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(timed_out, ElementsAre(998, 999, 1000));
  ASSERT_EQ(world.deadlocks.size(), 1u);
  std::vector<std::string> lines;
  for (const ParkedFibre& fibre : world.deadlocks[0]) {
    lines.push_back(to_string(fibre.who) + " since " + std::to_string(fibre.since.count()) + ": " +
                    fibre.waits_for);
  }
  EXPECT_THAT(
      lines, ElementsAre("rank 0 since 0: rank 1", "rank 1 since 10: rank 2",
                         "rank 1, stream 3 since 0: the end of rank 1", "rank 2 since 20: rank 0"));
  EXPECT_EQ(world.deadlocks[0][1].deadline, ps(999));
  EXPECT_EQ(world.deadlocks[0][2].deadline, kNever);
}

TEST_F(Deadlock, IsNotWhileAnEventIsOnItsWayHoweverLate) {
  const FibreId parked = world.spawn(0, [&] {
    EXPECT_EQ(s.park_until(ps(10), Waiting()), Wake::kDeadline);
    EXPECT_EQ(s.park_until(ps(1'000'000), Waiting()), Wake::kWoken);
  });
  s.at(ps(999'999), {}, [&] { s.wake(parked, s.now()); });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_TRUE(world.deadlocks.empty());
}

TEST_F(Deadlock, IsToldAgainAfterSomethingHappened) {
  world.spawn(0, [&] {
    EXPECT_EQ(s.park_until(ps(10), Waiting("first")), Wake::kDeadline);
    EXPECT_EQ(s.park_until(ps(20), Waiting("still")), Wake::kDeadline);
    s.at(ps(30), {}, [] {});
    EXPECT_EQ(s.park_until(ps(40), Waiting("second")), Wake::kDeadline);
  });
  EXPECT_EQ(s.run(), End::kFinished);
  ASSERT_EQ(world.deadlocks.size(), 2u);
  EXPECT_EQ(world.deadlocks[0][0].waits_for, "first");
  EXPECT_EQ(world.deadlocks[1][0].waits_for, "second");
}

TEST_F(Deadlock, WithoutDeadlinesTheRunEndsStuck) {
  for (int rank = 0; rank < 3; ++rank) {
    world.spawn(rank, [&] { s.park_until(kNever, Waiting()); });
  }
  EXPECT_EQ(s.run(), End::kStuck);
  ASSERT_EQ(world.deadlocks.size(), 1u);
  EXPECT_EQ(world.deadlocks[0].size(), 3u);
  EXPECT_EQ(s.fibres(), 3u);
  for (const ParkedFibre& fibre : world.deadlocks[0]) s.wake(fibre.id, s.now());
  EXPECT_EQ(s.run(), End::kFinished);
}

class Rescuer final : public SchedulerOwner {
 public:
  void fibre_failed(FibreId, const Entity&, std::exception_ptr) override { ADD_FAILURE(); }
  void deadlocked(std::span<const ParkedFibre> parked) override { act(parked); }
  std::function<void(std::span<const ParkedFibre>)> act;
};

TEST(DeadlockOwner, MayWakeAndCancelInsteadOfLettingDeadlinesCome) {
  Rescuer owner;
  Scheduler s({}, owner);
  owner.act = [&](std::span<const ParkedFibre> parked) {
    s.wake(parked[0].id, s.now() + ps(5));
    s.cancel(parked[1].id);
  };
  s.spawn({.rank = 0}, ps(0), [&] {
    EXPECT_EQ(s.park_until(ps(100), Waiting()), Wake::kWoken);
    EXPECT_EQ(s.now(), ps(5));
  });
  s.spawn({.rank = 1}, ps(0), [&] {
    EXPECT_EQ(s.park_until(ps(50), Waiting()), Wake::kCancelled);
    EXPECT_EQ(s.now(), ps(0));
  });
  EXPECT_EQ(s.run(), End::kFinished);
}

TEST(DeadlockOwner, MayThrowOutOfRun) {
  Rescuer owner;
  Scheduler s({}, owner);
  owner.act = [](std::span<const ParkedFibre>) { throw std::runtime_error("enough"); };
  s.spawn({.rank = 0}, ps(0),
          [&] { EXPECT_EQ(s.park_until(ps(100), Waiting()), Wake::kDeadline); });
  EXPECT_THROW(s.run(), std::runtime_error);
  EXPECT_EQ(s.run(), End::kFinished) << "told once";
}

}  // namespace
}  // namespace tutti::ub
