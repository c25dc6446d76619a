// A scheduler that is destroyed while fibres have not finished.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <tutti/error.hpp>

#include "world.hpp"

namespace tutti::ub {
namespace {

using testing::ElementsAre;
using End = Scheduler::End;

// Notes its name when it is destroyed.
struct Mark {
  Mark(std::vector<std::string>& in, std::string as) : trace(in), name(std::move(as)) {}
  ~Mark() { trace.push_back(name); }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;

  std::vector<std::string>& trace;
  std::string name;
};

class Unwind : public testing::Test {
 protected:
  // Runs to the deadlock without deadlines that the test's fibres make.
  void run() { EXPECT_EQ(world->scheduler.run(), End::kStuck); }

  std::vector<std::string> trace;
  std::optional<World> world{std::in_place};
  Scheduler& s = world->scheduler;
};

TEST_F(Unwind, DestructorsRunTheYoungestFibreFirst) {
  for (int rank = 0; rank < 3; ++rank) {
    world->spawn(rank, [&, rank] {
      const Mark outer{trace, std::to_string(rank) + " outer"};
      auto leaks_otherwise = std::make_unique<std::vector<int>>(1000);
      const Mark inner{trace, std::to_string(rank) + " inner"};
      s.park_until(kNever, Waiting());
      ADD_FAILURE() << "goes on";
    });
  }
  run();
  world.reset();
  EXPECT_THAT(trace, ElementsAre("2 inner", "2 outer", "1 inner", "1 outer", "0 inner", "0 outer"));
}

TEST_F(Unwind, EveryKindOfSchedulingPointEnds) {
  const FibreId parked = world->spawn(0, [&] {
    const Mark mark{trace, "park"};
    s.park_until(ps(1000), Waiting());
  });
  world->spawn(1, [&] {
    const Mark mark{trace, "join"};
    s.join(parked);
  });
  world->spawn(2, [&] {
    const Mark mark{trace, "advance"};
    s.advance(ps(100));
  });
  s.spawn({.rank = 3}, ps(50),
          [&, mark = std::make_unique<Mark>(trace, "not begun")] { ADD_FAILURE() << mark->name; });
  s.at(ps(5), {}, [] { throw std::runtime_error("stop here"); });
  s.at(ps(6), {}, [token = std::make_unique<Mark>(trace, "event")] { ADD_FAILURE(); });
  EXPECT_THROW(s.run(), std::runtime_error);
  world.reset();
  EXPECT_THAT(trace, ElementsAre("event", "not begun", "advance", "join", "park"));
}

TEST_F(Unwind, ChildrenEndBeforeTheParentWhoseObjectsTheyUse) {
  world->spawn(0, [&] {
    struct Stream {
      Scheduler& s;
      std::vector<std::string>& trace;
      std::vector<int> queue = std::vector<int>(100, 1);
      FibreId worker;
      ~Stream() {
        EXPECT_EQ(s.join(worker), Wake::kWoken);
        trace.push_back("joined");
      }
    } stream{s, trace};
    stream.worker = s.spawn({.rank = 0, .stream = 1}, s.now(), [&] {
      const Mark mark{trace, "worker"};
      while (stream.queue.size() == 100) s.park_until(kNever, Waiting());
    });
    s.park_until(kNever, Waiting());
  });
  run();
  world.reset();
  EXPECT_THAT(trace, ElementsAre("worker", "joined"));
}

TEST_F(Unwind, WhileAnExceptionIsInFlightSchedulingPointsReturnAtOnce) {
  world->spawn(0, [&] {
    struct Waits {
      Scheduler& s;
      std::vector<std::string>& trace;
      ~Waits() {
        const Picoseconds before = s.now();
        s.advance(ps(10));
        EXPECT_EQ(s.now(), before);
        EXPECT_EQ(s.park_until(kNever, Waiting()), Wake::kCancelled);
        trace.push_back("waited");
      }
    };
    const Waits waits{s, trace};
    s.park_until(kNever, Waiting());
  });
  run();
  world.reset();
  EXPECT_THAT(trace, ElementsAre("waited"));
}

TEST_F(Unwind, KeepFibreLetsCodeThatMustNotThrowGoOn) {
  world->spawn(0, [&] {
    const Mark mark{trace, "unwound"};
    [&]() noexcept {
      const KeepFibre keep;
      EXPECT_EQ(s.park_until(kNever, Waiting()), Wake::kCancelled);
      s.advance(ps(5));
      trace.push_back("kept");
    }();
    s.advance(ps(5));
    ADD_FAILURE() << "goes on";
  });
  run();
  world.reset();
  EXPECT_THAT(trace, ElementsAre("kept", "unwound"));
}

TEST_F(Unwind, WhoCatchesItOnceMeetsItAgain) {
  world->spawn(0, [&] {
    for (int i = 0; i < 3; ++i) {
      try {
        s.park_until(kNever, Waiting());
      } catch (...) {
        trace.push_back("caught");
      }
    }
    s.advance(ps(1));
    ADD_FAILURE() << "goes on";
  });
  run();
  world.reset();
  EXPECT_THAT(trace, ElementsAre("caught", "caught", "caught"));
}

TEST_F(Unwind, WhoCatchesItForEverIsGivenUp) {
  world->spawn(0, [&] {
    for (;;) {
      try {
        s.park_until(kNever, Waiting());
      } catch (...) {
      }
    }
  });
  const Mark after{trace, "the test"};
  run();
  world.reset();
  EXPECT_TRUE(trace.empty());
}

TEST_F(Unwind, NothingNewBeginsAndErrorsStayInside) {
  world->spawn(0, [&] {
    try {
      s.park_until(kNever, Waiting());
    } catch (const FibreUnwind&) {
      s.at(s.now() + ps(1), {}, [] { ADD_FAILURE(); });
      try {
        world->spawn(1, [] { ADD_FAILURE(); });
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), tuttiInvalidUsage);
        trace.push_back("refused");
      }
      throw std::runtime_error("a warning in the log");
    }
  });
  world->spawn(2, [&] {
    try {
      s.park_until(kNever, Waiting());
    } catch (const FibreUnwind&) {
      s.wake(FibreId{0, 1}, s.now());
      s.wake(FibreId{0, 1}, s.now() + ps(3));
      s.cancel(FibreId{0, 1});
      throw;
    }
  });
  run();
  world.reset();
  EXPECT_THAT(trace, ElementsAre("refused"));
}

TEST(UnwindOfNothing, ASchedulerThatNeverRanIsDestroyed) {
  std::vector<std::string> trace;
  {
    World world;
    world.spawn(0, [mark = std::make_unique<Mark>(trace, "body")] { ADD_FAILURE() << mark->name; });
  }
  EXPECT_THAT(trace, ElementsAre("body"));
}

}  // namespace
}  // namespace tutti::ub
