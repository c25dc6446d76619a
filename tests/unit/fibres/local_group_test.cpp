// Ranks that are fibres meet in memory; deadlines are virtual.
#include "bootstrap/local_group.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "fibre_world.hpp"

namespace tutti {
namespace {

using test::FibreWorld;
using testing::ElementsAre;
using namespace std::chrono_literals;

class LocalGroupOnFibres : public testing::Test {
 protected:
  static constexpr int kRanks = 3;

  // Runs body(bootstrap) as each rank; errors stay where they come.
  template <typename Body>
  void ranks(Body body) {
    for (Rank rank = 0; rank < kRanks; ++rank) {
      world->rank(rank, [this, rank, body] {
        const auto bootstrap = group.bootstrap(rank);
        try {
          body(*bootstrap);
        } catch (const Error& error) {
          errors[static_cast<std::size_t>(rank)] = error;
          failed_at[static_cast<std::size_t>(rank)] = world->now();
        }
      });
    }
  }

  LocalGroup group{kRanks, 20s};
  std::array<std::optional<Error>, kRanks> errors;
  std::array<Nanoseconds, kRanks> failed_at{};
  std::optional<FibreWorld> world{std::in_place};
};

TEST_F(LocalGroupOnFibres, GathersRoundAfterRound) {
  ranks([this](Bootstrap& bootstrap) {
    for (int round = 0; round < 200; ++round) {
      world->work(Nanoseconds((bootstrap.rank() * 7 + round) % 5));
      EXPECT_THAT(all_gather_value(bootstrap, bootstrap.rank() * 1000 + round),
                  ElementsAre(round, 1000 + round, 2000 + round));
    }
  });
  EXPECT_TRUE(world->run());
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
  EXPECT_LT(world->now(), 1ms) << "nobody waited for a deadline";
}

TEST_F(LocalGroupOnFibres, TheDeadlineIsVirtualAndNamesWhoIsLate) {
  ranks([this](Bootstrap& bootstrap) {
    if (bootstrap.rank() == 1) world->work(1h);
    all_gather_value(bootstrap, 0);
  });
  EXPECT_TRUE(world->run());
  for (const std::size_t rank : {0u, 2u}) {
    ASSERT_TRUE(errors[rank]);
    EXPECT_EQ(errors[rank]->code(), tuttiTimeout) << errors[rank]->what();
    EXPECT_EQ(errors[rank]->culprits(), std::vector<int>{1}) << errors[rank]->what();
    EXPECT_EQ(failed_at[rank], 20s);
  }
  EXPECT_TRUE(errors[1]) << "it stays failed";
}

TEST_F(LocalGroupOnFibres, ARankThatLeavesIsToldAtOnce) {
  ranks([this](Bootstrap& bootstrap) {
    world->work(1us);
    if (bootstrap.rank() != 2) all_gather_value(bootstrap, 0);
  });
  EXPECT_TRUE(world->run());
  for (const std::size_t rank : {0u, 1u}) {
    ASSERT_TRUE(errors[rank]);
    EXPECT_EQ(errors[rank]->code(), tuttiRemoteError) << errors[rank]->what();
    EXPECT_EQ(errors[rank]->culprits(), std::vector<int>{2}) << errors[rank]->what();
    EXPECT_EQ(failed_at[rank], 1us);
  }
}

TEST_F(LocalGroupOnFibres, RanksThatAreUnwoundLeave) {
  const auto watch = group.bootstrap(0);
  for (const Rank rank : {1, 2}) {
    world->rank(rank, [this, rank] {
      const auto bootstrap = group.bootstrap(rank);
      all_gather_value(*bootstrap, 0);
      ADD_FAILURE() << "goes on";
    });
  }
  // Before their deadlines: an event stops the simulation.
  world->scheduler.at(ub::Picoseconds(1), {}, [] { throw std::runtime_error("enough"); });
  EXPECT_THROW(world->run(), std::runtime_error);
  world.reset();
  try {
    all_gather_value(*watch, 0);
    ADD_FAILURE() << "they are gone";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiRemoteError) << error.what();
  }
}

}  // namespace
}  // namespace tutti
