// What a switch takes along: exceptions in flight, errno, the ThreadContext.
#include <gtest/gtest.h>

#include <cerrno>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

#include "base/context.hpp"
#include "world.hpp"

namespace tutti::ub {
namespace {

using End = Scheduler::End;

// The tests run with every one of these ways from fibre to fibre.
enum class Way { kDirect, kByEvents };

class FibreState : public testing::TestWithParam<Way> {
 protected:
  // Lets everybody else of this time go first.
  void others() {
    if (GetParam() == Way::kByEvents) s.at(s.now() + ps(1), {}, [] { errno = 99; });
    s.advance(ps(1));
  }

  World world;
  Scheduler& s = world.scheduler;
};

TEST_P(FibreState, ExceptionsAreCaughtByTheFibreThatThrewThem) {
  int finished = 0;
  for (int rank = 0; rank < 5; ++rank) {
    world.spawn(rank, [&, rank] {
      const std::string own = "of rank " + std::to_string(rank);
      for (int round = 0; round < 20; ++round) {
        try {
          try {
            others();
            throw std::runtime_error(own);
          } catch (const std::exception& error) {
            others();  // with a caught exception in flight
            EXPECT_EQ(error.what(), own);
            try {
              throw std::logic_error("inner " + own);
            } catch (const std::logic_error&) {
              others();
              EXPECT_NE(std::current_exception(), nullptr);
            }
            for (int i = 0; i <= rank; ++i) others();
            throw;  // the one of this fibre
          }
        } catch (const std::runtime_error& error) {
          EXPECT_EQ(error.what(), own);
        }
        EXPECT_EQ(std::current_exception(), nullptr);
      }
      ++finished;
    });
  }
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_EQ(finished, 5);
  EXPECT_TRUE(world.failures.empty());
}

TEST_P(FibreState, ADestructorMayWaitWhileItsFibreUnwinds) {
  struct Waits {
    std::function<void()> others;
    ~Waits() {
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(std::uncaught_exceptions(), 1);
        others();
      }
    }
  };
  for (int rank = 0; rank < 3; ++rank) {
    world.spawn(rank, [&, rank] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        try {
          const Waits waits{[this] { others(); }};
          throw rank;
        } catch (int caught) {
          EXPECT_EQ(caught, rank);
        }
        others();
      }
    });
  }
  EXPECT_EQ(s.run(), End::kFinished);
  EXPECT_TRUE(world.failures.empty());
}

TEST_P(FibreState, TheExceptionOfWhoRunsTheSchedulerIsNotTheFibres) {
  world.spawn(0, [&] {
    EXPECT_EQ(std::current_exception(), nullptr);
    others();
    EXPECT_EQ(std::current_exception(), nullptr);
  });
  try {
    throw std::runtime_error("outside");
  } catch (const std::exception& error) {
    EXPECT_EQ(s.run(), End::kFinished);
    EXPECT_STREQ(error.what(), "outside");
    EXPECT_NE(std::current_exception(), nullptr);
  }
}

TEST_P(FibreState, ErrnoIsTheFibres) {
  for (int rank = 0; rank < 3; ++rank) {
    world.spawn(rank, [&, rank] {
      EXPECT_EQ(errno, 0);
      for (int i = 0; i < 5; ++i) {
        errno = 100 + rank;
        others();
        EXPECT_EQ(errno, 100 + rank);
      }
    });
  }
  if (GetParam() == Way::kDirect) errno = 55;
  EXPECT_EQ(s.run(), End::kFinished);
  if (GetParam() == Way::kDirect) {
    EXPECT_EQ(errno, 55);
  }
}

TEST_P(FibreState, TheThreadContextIsTheFibres) {
  ThreadContext& outside = current_context();
  outside.set_last_error("outside");
  for (int round = 0; round < 2; ++round) {  // the second time in used records
    for (int rank = 0; rank < 3; ++rank) {
      world.spawn(rank, [&, rank] {
        EXPECT_EQ(current_context().log_rank, rank);
        EXPECT_EQ(current_context().group, nullptr);
        EXPECT_STREQ(current_context().last_error, "");
        const std::string text = "of rank " + std::to_string(rank);
        current_context().set_last_error(text);
        current_context().group = &current_context();
        others();
        EXPECT_EQ(current_context().last_error, text);
        EXPECT_EQ(current_context().group, &current_context());
      });
    }
    s.at(s.now() + ps(1), {}, [&] { EXPECT_EQ(&current_context(), &outside) << "in an event"; });
    EXPECT_EQ(s.run(), End::kFinished);
    EXPECT_EQ(&current_context(), &outside);
    EXPECT_STREQ(outside.last_error, "outside");
  }
  outside.set_last_error("");
}

INSTANTIATE_TEST_SUITE_P(Ways, FibreState, testing::Values(Way::kDirect, Way::kByEvents),
                         [](const auto& way) {
                           return way.param == Way::kDirect ? "Direct" : "ByEvents";
                         });

}  // namespace
}  // namespace tutti::ub
