// Waiting on fibres: order, deadlines, and ends that come early.
#include "base/condition.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "fibre_world.hpp"

namespace tutti {
namespace {

using test::FibreWorld;
using testing::ElementsAre;
using namespace std::chrono_literals;

class ConditionOnFibres : public testing::Test {
 public:  // local classes of tests wait too
  // Rank `rank` waits for `open` from `start` on.
  void waits(int rank, Nanoseconds start) {
    world->rank(
        rank,
        [this, rank] {
          std::unique_lock lock(mutex);
          condition.wait(lock, [this] { return open; });
          EXPECT_TRUE(lock.owns_lock());
          order.push_back(rank);
        },
        start);
  }
  void opens(Nanoseconds start, void (Condition::*notify)()) {
    world->rank(
        9,
        [this, notify] {
          const std::lock_guard lock(mutex);  // nobody who waits holds it
          open = true;
          (condition.*notify)();
        },
        start);
  }

  std::mutex mutex;
  Condition condition{"the door to open"};
  bool open = false;
  std::vector<int> order;
  std::optional<FibreWorld> world{std::in_place};
};

TEST_F(ConditionOnFibres, NotifyOneWakesWhoBeganFirst) {
  waits(2, 10ns);
  waits(0, 20ns);
  waits(3, 30ns);
  waits(1, 40ns);
  for (int i = 1; i <= 4; ++i) opens(i * 100ns, &Condition::notify_one);
  EXPECT_TRUE(world->run());
  EXPECT_THAT(order, ElementsAre(2, 0, 3, 1));
}

TEST_F(ConditionOnFibres, NotifyOneTwiceAtOnceWakesTwo) {
  waits(1, 10ns);
  waits(0, 20ns);
  world->rank(
      5,
      [this] {
        open = true;
        condition.notify_one();
        condition.notify_one();
      },
      100ns);
  EXPECT_TRUE(world->run());
  EXPECT_EQ(order.size(), 2u);
}

TEST_F(ConditionOnFibres, NotifyAllSchedulesThemAsTheyBegan) {
  // The same rank each time: only the order of the wakes decides.
  std::vector<int> woken;
  for (int i : {3, 1, 2, 0}) {
    world->rank(
        7,
        [&, i] {
          std::unique_lock lock(mutex);
          condition.wait(lock, [this] { return open; });
          woken.push_back(i);
        },
        i * 10ns);
  }
  opens(100ns, &Condition::notify_all);
  EXPECT_TRUE(world->run());
  EXPECT_THAT(woken, ElementsAre(0, 1, 2, 3));
}

TEST_F(ConditionOnFibres, AWakeForNothingCostsNobodyTheirPlace) {
  FibreHost::Fibre early = 0;
  world->rank(0, [&] {
    early = world->host.current();
    std::unique_lock lock(mutex);
    condition.wait(lock, [this] { return open; });
    order.push_back(0);
  });
  waits(1, 10ns);
  world->rank(
      2, [&] { world->host.wake(early); }, 20ns);
  world->rank(
      3, [&] { condition.notify_all(); }, 30ns);  // and it is not open
  opens(40ns, &Condition::notify_one);
  opens(50ns, &Condition::notify_one);
  EXPECT_TRUE(world->run());
  EXPECT_THAT(order, ElementsAre(0, 1));
}

TEST_F(ConditionOnFibres, ADeadlineIsInVirtualTime) {
  world->rank(0, [this] {
    std::unique_lock lock(mutex);
    EXPECT_FALSE(condition.wait_for(lock, 5s, [this] { return open; }));
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_EQ(world->now(), 5s);
    EXPECT_FALSE(condition.wait_until(lock, 1s, [this] { return open; })) << "it is past";
    EXPECT_EQ(world->now(), 5s);
    EXPECT_TRUE(condition.wait_for(lock, Nanoseconds::max(), [this] { return open; }));
    EXPECT_EQ(world->now(), 6s);
  });
  opens(6s, &Condition::notify_all);
  EXPECT_TRUE(world->run());
}

TEST_F(ConditionOnFibres, AnEventMayNotify) {
  waits(4, 0ns);
  world->scheduler.at(ub::Picoseconds(77), {}, [this] {
    open = true;
    condition.notify_all();
  });
  EXPECT_TRUE(world->run());
  EXPECT_THAT(order, ElementsAre(4));
}

TEST_F(ConditionOnFibres, ADeadlockSaysWhatIsWaitedFor) {
  waits(6, 0ns);
  EXPECT_FALSE(world->run());
  EXPECT_THAT(world->deadlock, ElementsAre("rank 6: the door to open"));
}

TEST_F(ConditionOnFibres, WhoeverIsUnwoundLeavesTheList) {
  for (int rank = 0; rank < 3; ++rank) {
    world->rank(rank, [this, rank] {
      std::unique_lock lock(mutex);
      try {
        condition.wait(lock, [this] { return open; });
        ADD_FAILURE() << "goes on";
      } catch (const FibreUnwind&) {
        EXPECT_TRUE(lock.owns_lock());
        order.push_back(rank);
        condition.notify_all();  // those that are left are there
        throw;
      }
    });
  }
  EXPECT_FALSE(world->run());
  world.reset();
  EXPECT_THAT(order, ElementsAre(2, 1, 0));
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
  condition.notify_all();
}

TEST_F(ConditionOnFibres, AKeptFibreThatIsBeingEndedReturnsWithoutWhatItWaitedFor) {
  world->rank(0, [this] {
    {
      const KeepFibre keep;
      std::unique_lock lock(mutex);
      condition.wait(lock, [this] { return open; });
      EXPECT_TRUE(lock.owns_lock());
      EXPECT_FALSE(condition.wait_for(lock, 1s, [this] { return open; }));
      order.push_back(1);
    }
    std::unique_lock lock(mutex);
    condition.wait(lock, [this] { return open; });
    ADD_FAILURE() << "goes on";
  });
  EXPECT_FALSE(world->run());
  world.reset();
  EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(ConditionOnFibres, WhileAnExceptionIsInFlightAWaitThrowsInsideTheDestructor) {
  world->rank(0, [this] {
    struct Waits {
      ConditionOnFibres& test;
      ~Waits() {
        std::unique_lock lock(test.mutex);
        EXPECT_THROW(test.condition.wait(lock, [this] { return test.open; }), FibreUnwind);
        test.order.push_back(1);
      }
    } const waits{*this};
    std::unique_lock lock(mutex);
    condition.wait(lock, [this] { return open; });
  });
  EXPECT_FALSE(world->run());
  world.reset();
  EXPECT_THAT(order, ElementsAre(1));
}

TEST(LongMutexOnFibres, IsHeldAcrossAParkAndHandedOnInOrder) {
  FibreWorld world;
  LongMutex mutex{"the others"};
  std::vector<int> order;
  for (int rank : {2, 0, 1}) {
    world.rank(rank, [&, rank] {
      world.work(rank == 2 ? 0ns : rank == 0 ? 1ns : 2ns);
      const std::lock_guard lock(mutex);
      order.push_back(rank);
      world.work(100ns);
      order.push_back(rank);
    });
  }
  EXPECT_TRUE(world.run());
  EXPECT_THAT(order, ElementsAre(2, 2, 0, 0, 1, 1));
}

TEST(LongMutexOnFibres, IsFreeAfterItsHolderAndWaitersAreUnwound) {
  LongMutex mutex{"the others"};
  Condition never{"what never comes"};
  std::mutex short_mutex;
  {
    FibreWorld world;
    for (int rank : {0, 1, 2}) {
      world.rank(rank, [&] {
        const std::lock_guard lock(mutex);
        std::unique_lock waiting(short_mutex);
        never.wait(waiting, [] { return false; });
      });
    }
    EXPECT_FALSE(world.run());
  }
  mutex.lock();
  mutex.unlock();
}

}  // namespace
}  // namespace tutti
