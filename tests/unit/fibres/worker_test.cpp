// Workers, pauses and the time on fibres.
#include "base/worker.hpp"

#include <gmock/gmock.h>

#include <memory>

#include "base/pause.hpp"
#include "fibre_world.hpp"

namespace tutti {
namespace {

using test::FibreWorld;
using testing::ElementsAre;
using namespace std::chrono_literals;

TEST(WorkerOnFibres, RunsBesideItsMakerWhoWaitsForIt) {
  FibreWorld world;
  std::vector<std::string> trace;
  world.rank(3, [&] {
    Worker worker("other", [&] {
      EXPECT_EQ(world.scheduler.who(), (ub::Entity{.rank = 3, .stream = 1}));
      EXPECT_EQ(current_context().host, &world.host);
      EXPECT_EQ(current_context().log_rank, 3);
      trace.push_back("begins");
      world.work(1us);
      trace.push_back("ends");
    });
    EXPECT_FALSE(worker.is_current());
    trace.push_back("made");
    world.work(10ns);
    trace.push_back("joins");
    worker.join();
    trace.push_back("joined");
    EXPECT_EQ(world.now(), 1us);
  });
  EXPECT_TRUE(world.run());
  EXPECT_THAT(trace, ElementsAre("made", "begins", "joins", "ends", "joined"));
}

TEST(WorkerOnFibres, TheDestructorJoins) {
  FibreWorld world;
  bool done = false;
  world.rank(0, [&] {
    {
      const Worker* self = nullptr;
      const Worker worker("other", [&] {
        world.work(1us);
        EXPECT_TRUE(self->is_current());
        done = true;
      });
      self = &worker;
    }
    EXPECT_TRUE(done);
  });
  EXPECT_TRUE(world.run());
}

TEST(WorkerOnFibres, IsEndedBeforeItsMakerWithTheScheduler) {
  std::vector<std::string> trace;
  struct Mark {
    std::vector<std::string>& trace;
    const char* name;
    ~Mark() { trace.push_back(name); }
  };
  {
    FibreWorld world;
    world.rank(0, [&] {
      const Mark maker{trace, "maker"};
      auto used = std::make_unique<int>(1);
      Worker worker("other", [&] {
        const Mark mark{trace, "worker"};
        world.host.park(Nanoseconds::max(), "nothing");
        *used = 2;
      });
      world.host.park(Nanoseconds::max(), "nothing");
    });
    EXPECT_FALSE(world.run());
  }
  EXPECT_THAT(trace, ElementsAre("worker", "maker"));
}

TEST(WorkerOnFibres, MayBeInItsDestructorWhenTheSchedulerEnds) {
  bool ended = false;
  {
    FibreWorld world;
    world.rank(0, [&] {
      {
        const Worker worker("other", [&] { world.host.park(Nanoseconds::max(), "nothing"); });
      }  // waits here, and must not throw
      ended = true;
      world.host.park(Nanoseconds::max(), "nothing");
      ADD_FAILURE() << "goes on";
    });
    EXPECT_FALSE(world.run());
  }
  EXPECT_TRUE(ended);
}

TEST(PauseOnFibres, MovesVirtualTimeOn) {
  FibreWorld world;
  bool set = false;
  world.rank(0, [&] {
    EXPECT_EQ(current_time(), 0ns);
    pause_for(3s);
    EXPECT_EQ(current_time(), 3s);
    world.host.wake(world.host.current());  // a wake of before does not cut it short
    pause_for(1s);
    EXPECT_EQ(current_time(), 4s);
    while (!set) give_core_away();
    EXPECT_GE(current_time(), 4010ms);
    EXPECT_LT(current_time(), 4010ms + 1us);
  });
  world.rank(1, [&] {
    world.work(4010ms);
    set = true;
  });
  EXPECT_TRUE(world.run());
}

}  // namespace
}  // namespace tutti
