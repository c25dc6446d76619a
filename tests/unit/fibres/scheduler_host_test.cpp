// Stream numbers, names and times of a scheduler's fibres.
#include "transports/ub/engine/scheduler_host.hpp"

#include <gmock/gmock.h>

#include <tutti/error.hpp>

#include "fibre_world.hpp"
#include "tests/support/scale.hpp"

namespace tutti {
namespace {

using test::FibreWorld;
using testing::ElementsAre;
using namespace std::chrono_literals;

class StreamNumbers : public testing::Test {
 protected:
  // Of a fibre: another stream of its rank that works for `time`.
  FibreHost::Fibre spawn(Nanoseconds time) {
    return world.host.spawn([this, time] {
      numbers.push_back(world.scheduler.who().stream);
      world.work(time);
    });
  }

  FibreWorld world;
  std::vector<int> numbers;
};

TEST_F(StreamNumbers, AscendAndTheSmallestFreeOneIsTaken) {
  world.rank(5, [&] {
    spawn(30ns);
    spawn(10ns);
    spawn(20ns);
    world.work(25ns);  // 2 and 3 have ended
    spawn(100ns);
    spawn(100ns);
    spawn(100ns);
  });
  EXPECT_TRUE(world.run());
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3, 2, 3, 4));
}

TEST_F(StreamNumbers, AreEachRanksOwnAlsoOfStreamsMadeByStreams) {
  for (int rank : {0, 1}) {
    world.rank(rank,
               [&] { world.host.join(world.host.spawn([&] { world.host.join(spawn(1ns)); })); });
  }
  EXPECT_TRUE(world.run());
  EXPECT_THAT(numbers, ElementsAre(2, 2));
}

TEST_F(StreamNumbers, DoNotRunOutWhereStreamsComeAndGo) {
  world.rank(0, [&] {
    for (int i = 0; i < 2 * ub::Entity::kMaxStreams; ++i) world.host.join(spawn(1ns));
  });
  EXPECT_TRUE(world.run());
  EXPECT_EQ(numbers, std::vector<int>(2 * ub::Entity::kMaxStreams, 1));
}

TEST_F(StreamNumbers, TooManyAtOnceAreRefused) {
  if (test::kThreadSanitized) {
    GTEST_SKIP() << "TSan takes 785 KB a fibre: 3 GiB for 4095 at once";
  }
  world.rank(0, [&] {
    for (int i = 1; i < ub::Entity::kMaxStreams; ++i) spawn(1ms);
    try {
      spawn(1ms);
      ADD_FAILURE() << "one too many";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), tuttiInvalidUsage);
    }
  });
  EXPECT_TRUE(world.run());
}

TEST(SchedulerHost, TimesAreWholeNanosecondsAndDeadlinesAreExact) {
  FibreWorld world;
  world.rank(0, [&] {
    world.scheduler.advance(ub::Picoseconds(1999));
    EXPECT_EQ(world.now(), 1ns);
    world.host.park(2ns, "the deadline");
    EXPECT_EQ(world.scheduler.now(), ub::Picoseconds(2000));
    world.host.park(1ns, "a deadline of before");
    EXPECT_EQ(world.scheduler.now(), ub::Picoseconds(2000));
    world.host.park(Nanoseconds::max(), "the other");
    EXPECT_EQ(world.now(), 1h);
  });
  FibreHost::Fibre first = 0;
  world.scheduler.spawn({.rank = 1}, ub::Picoseconds(0), [&] {
    EXPECT_NE(world.host.current(), 0u);
    first = world.host.spawn([] {});
    world.host.join(first);
    world.host.join(first);  // has finished long ago
    world.host.wake(first);
    world.work(1h);
  });
  world.scheduler.at(ub::Picoseconds(3'600'000'000'000'000), {}, [&] {
    for (std::uint32_t index = 0; index < 2; ++index) {
      world.host.wake(FibreHost::Fibre{1} << 32 | index);
    }
  });
  EXPECT_TRUE(world.run());
}

}  // namespace
}  // namespace tutti
