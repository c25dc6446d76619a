#include "transports/ub/engine/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tutti/error.hpp>

#include "world.hpp"

namespace tutti::ub {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using End = Scheduler::End;

tuttiResult_t code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return tuttiSuccess;
}

class SchedulerTest : public testing::Test {
 protected:
  void note(const std::string& what) {
    trace.push_back(std::to_string(s.now().count()) + " " + what);
  }

  World world;
  Scheduler& s = world.scheduler;
  std::vector<std::string> trace;
};

TEST_F(SchedulerTest, TheSmallestTimeRunsFirst) {
  for (int rank = 0; rank < 3; ++rank) {
    world.spawn(rank, [&, rank] {
      for (int i = 0; i < 2; ++i) {
        s.advance(ps(30 - std::int64_t{10} * rank));
        note("r" + std::to_string(rank));
      }
    });
  }
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("10 r2", "20 r1", "20 r2", "30 r0", "40 r1", "60 r0"));
}

TEST_F(SchedulerTest, EqualTimesRunByRankThenStreamThenInOrderOfInsertion) {
  const auto body = [this](const std::string& name) {
    return [this, name] {
      note(name);
      s.advance(ps(1));
      note(name);
    };
  };
  world.spawn(2, body("2.0"));
  world.spawn(1, body("1.1 a"), 1);
  world.spawn(1, body("1.1 b"), 1);
  world.spawn(1, body("1.0"));
  world.spawn(0, body("0.4095"), 4095);
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("0 0.4095", "0 1.0", "0 1.1 a", "0 1.1 b", "0 2.0",  //
                                 "1 0.4095", "1 1.0", "1 1.1 a", "1 1.1 b", "1 2.0"));
}

TEST_F(SchedulerTest, AnEventRunsBeforeAFibreThatGoesOnAtThatTime) {
  s.at(ps(5), {.rank = 9}, [&] { note("event of 9"); });
  world.spawn(0, [&] {
    s.at(ps(5), {.rank = Entity::kFabric}, [&] { note("event of the fabric"); });
    s.at(s.now(), {.rank = 7}, [&] { note("event now"); });
    s.advance(ps(5));
    note("r0");
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("0 event now", "5 event of the fabric", "5 event of 9", "5 r0"));
}

TEST_F(SchedulerTest, AnEventMayPushOneForTheSameTime) {
  world.spawn(0, [&] {
    s.at(ps(5), {.rank = 3}, [&] {
      note("first");
      s.at(ps(5), {.rank = 1}, [&] { note("second"); });
    });
    s.advance(ps(5));
    note("r0");
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("5 first", "5 second", "5 r0"));
}

TEST_F(SchedulerTest, WhoIsAloneAdvancesWithoutASwitch) {
  world.spawn(0, [&] {
    for (int i = 0; i < 1000; ++i) s.advance(ps(3));
    note("r0");
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("3000 r0"));
}

TEST_F(SchedulerTest, AWakeTakesEffectAtItsTime) {
  FibreId sleeper = world.spawn(0, [&] {
    EXPECT_EQ(s.park_until(kNever, Waiting()), Wake::kWoken);
    note("woken");
    EXPECT_EQ(s.park_until(ps(500), Waiting()), Wake::kWoken);
    note("woken");
  });
  world.spawn(1, [&] {
    s.advance(ps(10));
    s.wake(sleeper, ps(300));
    s.wake(sleeper, ps(40));  // the later one is not lost for that
    s.advance(ps(100));
    note("r1");
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("40 woken", "110 r1", "300 woken"));
}

TEST_F(SchedulerTest, AWakeForWhoDoesNotParkIsKept) {
  FibreId late = world.spawn(1, [&] {
    s.advance(ps(50));
    EXPECT_EQ(s.park_until(kNever, Waiting()), Wake::kWoken);
    note("woken");
    EXPECT_EQ(s.park_until(ps(60), Waiting()), Wake::kDeadline) << "it was kept once";
    note("deadline");
  });
  world.spawn(0, [&] {
    s.advance(ps(10));
    s.wake(late, s.now());
    s.wake(late, ps(20));
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("50 woken", "60 deadline"));
}

TEST_F(SchedulerTest, WhatArrivesAtTheDeadlineIsInTime) {
  world.spawn(0, [&] {
    s.at(ps(30), {.rank = 0}, [&, self = s.current()] { s.wake(self, s.now()); });
    EXPECT_EQ(s.park_until(ps(30), Waiting()), Wake::kWoken);
    EXPECT_EQ(s.park_until(ps(10), Waiting()), Wake::kDeadline) << "in the past: now";
    EXPECT_EQ(s.now(), ps(30));
  });
  world.spawn(1, [&] { s.advance(ps(1000)); });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_TRUE(world.deadlocks.empty());
}

TEST_F(SchedulerTest, DeadlinesComeInOrderWhateverWasWantedBefore) {
  // A busy rank, so that nothing of this is a deadlock.
  world.spawn(9, [&] {
    for (int i = 0; i < 400; ++i) s.advance(ps(1));
  });
  for (int rank = 0; rank < 3; ++rank) {
    FibreId id = world.spawn(rank, [&, rank] {
      EXPECT_EQ(s.park_until(ps(100 + rank), Waiting()), Wake::kWoken);  // at 1
      EXPECT_EQ(s.park_until(ps(50), Waiting()), Wake::kDeadline);       // earlier than before
      note("r" + std::to_string(rank));
      EXPECT_EQ(s.park_until(ps(300 - rank), Waiting()), Wake::kDeadline);
      note("r" + std::to_string(rank));
    });
    s.wake(id, ps(1));
  }
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("50 r0", "50 r1", "50 r2", "298 r2", "299 r1", "300 r0"));
}

TEST_F(SchedulerTest, FibresSpawnAndJoinFibres) {
  world.spawn(0, [&] {
    const FibreId stream = s.spawn({.rank = 0, .stream = 1}, ps(20), [&] {
      note("stream begins");
      s.advance(ps(30));
    });
    EXPECT_FALSE(s.finished(stream));
    EXPECT_EQ(s.join(stream), Wake::kWoken);
    EXPECT_TRUE(s.finished(stream));
    note("joined");
    EXPECT_EQ(s.join(stream), Wake::kWoken) << "again: at once";
    EXPECT_EQ(s.join(FibreId{}), Wake::kWoken) << "no fibre has nothing to do";
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("20 stream begins", "50 joined"));
}

TEST_F(SchedulerTest, SeveralMayJoinOneAndSomeGiveUp) {
  const FibreId worker = world.spawn(5, [&] { s.advance(ps(100)); });
  std::vector<FibreId> joiners;
  joiners.reserve(4);
  for (int rank = 0; rank < 4; ++rank) {
    joiners.push_back(world.spawn(rank, [&, rank] {
      const Wake reason = s.join(worker, rank == 1 ? ps(40) : kNever);
      note(std::to_string(rank) + (reason == Wake::kWoken      ? " joined"
                                   : reason == Wake::kDeadline ? " deadline"
                                                               : " cancelled"));
    }));
  }
  s.at(ps(50), {.rank = 2}, [&] { s.cancel(joiners[2]); });
  s.at(ps(60), {.rank = 3}, [&] { s.wake(joiners[3], s.now()); });  // not for its end: it stays
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace,
              ElementsAre("40 1 deadline", "50 2 cancelled", "100 0 joined", "100 3 joined"));
}

TEST_F(SchedulerTest, CancellationIsToldOnceAndStaysToBeAsked) {
  const FibreId parked = world.spawn(0, [&] {
    const FibreId self = s.current();
    EXPECT_FALSE(s.cancelled(self));
    EXPECT_EQ(s.park_until(kNever, Waiting()), Wake::kCancelled);
    note("cancelled");
    EXPECT_TRUE(s.cancelled(self));
    EXPECT_EQ(s.park_until(ps(30), Waiting()), Wake::kDeadline) << "it may wait to clean up";
    note("r0");
  });
  const FibreId busy = world.spawn(1, [&] {
    s.advance(ps(20));
    EXPECT_EQ(s.park_until(kNever, Waiting()), Wake::kCancelled);
    note("told late");
  });
  s.at(ps(10), {.rank = 7}, [&] {
    s.cancel(parked);
    s.cancel(busy);
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("10 cancelled", "20 told late", "30 r0"));
}

TEST_F(SchedulerTest, IdsOfFinishedFibresMeanNobody) {
  const FibreId first = world.spawn(0, [] {});
  EXPECT_EQ(s.run(), End::kFinished);
  const FibreId second = world.spawn(0, [&] {
    EXPECT_EQ(s.park_until(ps(9), Waiting()), Wake::kDeadline) << "others were woken, not this";
  });
  EXPECT_EQ(first.index, second.index) << "the record is reused";
  EXPECT_TRUE(s.finished(first));
  EXPECT_FALSE(s.finished(second));
  s.wake(first, s.now());
  s.wake(first, ps(5));
  s.cancel(first);
  s.at(ps(6), {}, [&] { s.wake(first, s.now()); });
  EXPECT_EQ(s.run(), End::kFinished);
}

TEST_F(SchedulerTest, AnExceptionStopsAtTheBodyAndIsReported) {
  const FibreId failing = world.spawn(
      3,
      [&] {
        s.advance(ps(10));
        throw std::runtime_error("of rank 3");
      },
      2);
  world.spawn(0, [&] {
    EXPECT_EQ(s.join(failing), Wake::kWoken);
    note("goes on");
  });
  world.spawn(1, [] { throw 7; });
  EXPECT_EQ(s.run(), End::kFinished);
  ASSERT_EQ(world.failures.size(), 2u);
  EXPECT_EQ(world.failures[0].who, (Entity{.rank = 1}));
  EXPECT_EQ(world.failures[0].what, "not a std::exception");
  EXPECT_EQ(world.failures[1].who, (Entity{.rank = 3, .stream = 2}));
  EXPECT_EQ(world.failures[1].what, "of rank 3");
  EXPECT_THAT(trace, ElementsAre("10 goes on"));
}

TEST_F(SchedulerTest, AnExceptionOfAnEventComesOutOfRunWhichCanGoOn) {
  world.spawn(0, [&] {
    s.at(ps(5), {}, [] { throw std::runtime_error("of an event"); });
    s.advance(ps(10));
    note("r0");
  });
  EXPECT_THROW(s.run(), std::runtime_error);
  EXPECT_EQ(s.now(), ps(5));
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("10 r0"));
}

TEST_F(SchedulerTest, MisuseIsAnErrorThatSaysWhat) {
  EXPECT_EQ(code_of([&] { s.advance(ps(1)); }), tuttiInternalError);
  EXPECT_EQ(code_of([&] { s.park_until(kNever, Waiting()); }), tuttiInternalError);
  EXPECT_EQ(code_of([&] { s.current(); }), tuttiInternalError);
  for (const Entity& who :
       {Entity{.rank = -2}, Entity{.rank = Entity::kMaxRanks}, Entity{.rank = 0, .stream = -1},
        Entity{.rank = 0, .stream = Entity::kMaxStreams}}) {
    EXPECT_EQ(code_of([&] { s.spawn(who, ps(0), [] {}); }), tuttiInvalidArgument);
  }
  s.at(ps(1), {}, [&] {
    EXPECT_FALSE(s.in_fibre());
    EXPECT_EQ(code_of([&] { s.advance(ps(1)); }), tuttiInternalError);
    EXPECT_EQ(code_of([&] { s.run(); }), tuttiInvalidUsage);
  });
  world.spawn(0, [&] {
    s.advance(ps(10));
    EXPECT_TRUE(s.in_fibre());
    EXPECT_EQ(code_of([&] { s.advance(ps(-1)); }), tuttiInternalError);
    EXPECT_EQ(code_of([&] { s.advance(kNever - s.now()); }), tuttiInternalError);
    EXPECT_EQ(code_of([&] { s.at(ps(9), {}, [] {}); }), tuttiInternalError);
    EXPECT_EQ(code_of([&] { s.at(kNever, {}, [] {}); }), tuttiInternalError);
    EXPECT_EQ(code_of([&] { s.wake(s.current(), ps(9)); }), tuttiInternalError);
    EXPECT_EQ(code_of([&] { s.join(s.current()); }), tuttiInvalidUsage);
    EXPECT_EQ(code_of([&] { s.run(); }), tuttiInvalidUsage);
    EXPECT_EQ(s.now(), ps(10));
  });
  std::thread([&] { EXPECT_EQ(code_of([&] { s.run(); }), tuttiInvalidUsage); }).join();
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_TRUE(world.failures.empty());
}

TEST_F(SchedulerTest, RunMayBeCalledAgainWithMoreFibres) {
  world.spawn(0, [&] { s.advance(ps(5)); });
  EXPECT_EQ(s.run(), End::kFinished);
  world.spawn(0, [&] {
    s.advance(ps(5));
    note("second");
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("10 second"));
}

TEST_F(SchedulerTest, OneSimulationMayRunInsideAFibreOfAnother) {
  world.spawn(0, [&] {
    current_context().log_rank = 77;
    World inner;
    inner.spawn(4, [&] {
      inner.scheduler.advance(ps(1000));
      EXPECT_EQ(current_context().log_rank, 4);
    });
    EXPECT_EQ(inner.scheduler.run(), End::kFinished);
    EXPECT_EQ(current_context().log_rank, 77);
    s.advance(ps(1));
    note("outer");
  });
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_THAT(trace, ElementsAre("1 outer"));
}

}  // namespace
}  // namespace tutti::ub
