// Streams, events and crews whose workers are fibres.
#include <gmock/gmock.h>

#include <optional>

#include "communicator/custody.hpp"
#include "communicator/event.hpp"
#include "communicator/stream.hpp"
#include "fibre_world.hpp"

namespace tutti {
namespace {

using test::FibreWorld;
using testing::ElementsAre;
using namespace std::chrono_literals;

class StreamsOnFibres : public testing::Test {
 protected:
  // A task that takes `time` and leaves its name.
  std::unique_ptr<Task> task(std::string name, Nanoseconds time = 10ns) {
    return make_task([this, name = std::move(name), time] {
      world->work(time);
      trace.push_back(name);
    });
  }

  std::vector<std::string> trace;
  std::optional<FibreWorld> world{std::in_place};
};

TEST_F(StreamsOnFibres, RunInOrderBesideTheCaller) {
  world->rank(0, [this] {
    Stream stream;
    stream.push(task("a"));
    stream.push(task("b"));
    EXPECT_FALSE(stream.idle());
    trace.push_back("caller");
    stream.synchronize();
    EXPECT_TRUE(stream.idle());
    EXPECT_EQ(world->now(), 20ns);
    stream.push(task("c"));
  });
  EXPECT_TRUE(world->run());
  EXPECT_THAT(trace, ElementsAre("caller", "a", "b", "c"));
}

TEST_F(StreamsOnFibres, KeepErrorsForWhoSynchronizes) {
  world->rank(0, [] {
    Stream stream;
    stream.push(make_task([] { throw Error(tuttiInvalidUsage, "first"); }));
    stream.push(make_task([] { throw 7; }));
    EXPECT_THROW(stream.synchronize(), Error);
    stream.synchronize();
  });
  EXPECT_TRUE(world->run());
}

TEST_F(StreamsOnFibres, AHostFunctionCannotWaitForItsOwnStream) {
  world->rank(0, [] {
    Stream one, two;
    one.push(make_task([&] { one.synchronize(); }));
    two.push(make_task([&] { one.check_not_inside(); }));
    try {
      one.synchronize();
      ADD_FAILURE() << "it waited for itself";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), tuttiInvalidUsage);
    }
    two.synchronize();
  });
  EXPECT_TRUE(world->run());
}

TEST_F(StreamsOnFibres, EventsOrderOneBehindTheOther) {
  world->rank(0, [this] {
    Stream first, second;
    Event event;
    first.push(task("slow", 1us));
    event.record(&first);
    EXPECT_FALSE(event.reached());
    event.hold_up(&second);
    second.push(task("after"));
    event.synchronize();
    EXPECT_EQ(world->now(), 1us);
    event.hold_up(nullptr);
  });
  EXPECT_TRUE(world->run());
  EXPECT_THAT(trace, ElementsAre("slow", "after"));
}

TEST_F(StreamsOnFibres, ACrewRunsItsJobsSideBySide) {
  world->rank(0, [this] {
    Crew crew;
    for (int round = 0; round < 3; ++round) {
      // Each waits for the one before: one after the other from the front they would never end.
      std::vector<Mark> marks(4);
      std::vector<Crew::Job> jobs;
      for (std::size_t i = 0; i < 4; ++i) {
        jobs.emplace_back([&marks, i] {
          if (i + 1 < 4) marks[i + 1].wait();
          marks[i].raise();
        });
      }
      crew.hire(jobs.size());
      crew.run(jobs);
      EXPECT_TRUE(marks[0].raised());
    }
    trace.push_back("done");
  });
  EXPECT_TRUE(world->run());
  EXPECT_THAT(trace, ElementsAre("done"));
}

TEST_F(StreamsOnFibres, ACrewOfAStreamIsOfTheSameRank) {
  world->rank(4, [this] {
    Stream stream;
    stream.crew().hire(2);
    stream.push(make_task([&] {
      const std::vector<Crew::Job> jobs(2, [this] {
        trace.push_back(to_string(world->scheduler.who()));
        world->work(1ns);
      });
      stream.crew().run(jobs);
    }));
    stream.synchronize();
  });
  EXPECT_TRUE(world->run());
  EXPECT_THAT(trace, testing::UnorderedElementsAre("rank 4, stream 1", "rank 4, stream 2"));
}

TEST_F(StreamsOnFibres, ManyComeAndGo) {
  world->rank(0, [this] {
    for (int i = 0; i < 5000; ++i) {
      Stream stream;
      stream.push(task("x"));
    }
  });
  EXPECT_TRUE(world->run());
  EXPECT_EQ(trace.size(), 5000u);
}

TEST_F(StreamsOnFibres, ADeadlockNamesWhatTheyWaitFor) {
  world->rank(0, [] {
    Stream stream;
    Mark mark;
    stream.push(make_task([&] { mark.wait(); }));
    stream.synchronize();
  });
  EXPECT_FALSE(world->run());
  EXPECT_THAT(world->deadlock,
              ElementsAre("rank 0: the work on a stream to be done", "rank 0, stream 1: an event"));
}

// What a task holds is free again, whether it ran, began or did not.
TEST_F(StreamsOnFibres, DropTheirTasksWhenTheSchedulerEnds) {
  const auto held = std::make_shared<int>(0);
  world->rank(0, [this, held] {
    Stream stream;
    Mark never;
    stream.push(make_task([&never, held] { never.wait(); }));
    stream.push(make_task([held] { ADD_FAILURE() << "runs"; }));
    stream.push(task("not this"));
    stream.synchronize();
    ADD_FAILURE() << "goes on";
  });
  EXPECT_FALSE(world->run());
  world.reset();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_TRUE(trace.empty());
}

TEST_F(StreamsOnFibres, MayBeBeingDestroyedWhenTheSchedulerEnds) {
  bool left = false;
  world->rank(0, [&] {
    Mark never;
    {
      Stream stream;
      stream.push(make_task([&never] { never.wait(); }));
    }
    left = true;
  });
  EXPECT_FALSE(world->run());
  world.reset();
  EXPECT_TRUE(left);
}

TEST_F(StreamsOnFibres, CustodyWaitsInVirtualTime) {
  Custody custody;
  custody.enter_queue();
  world->rank(0, [&] {
    EXPECT_FALSE(custody.await_queue(1s));
    EXPECT_EQ(world->now(), 1s);
    EXPECT_TRUE(custody.await_queue(10s));
    EXPECT_EQ(world->now(), 2s);
  });
  world->rank(1, [&] {
    world->work(2s);
    EXPECT_FALSE(custody.leave_queue());
  });
  EXPECT_TRUE(world->run());
}

}  // namespace
}  // namespace tutti
