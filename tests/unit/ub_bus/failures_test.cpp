// Nodes that fail, ranks that leave, bodies that throw, waits that never end, and calls from
// outside.
#include <gmock/gmock.h>

#include <thread>

#include "bus_rank.hpp"
#include "transports/registry.hpp"

namespace tutti::ub::test {
namespace {

using testing::HasSubstr;
using How = RankEnd::How;

// Ranks 8 and up are on node 1, which fails at 5 us; that is noticed 10 us later.
SimulationOptions with_failing_node() {
  return {.profile = load_profile("cloudmatrix384-wire"),
          .fabric = {.faults = {{.kind = Fault::Kind::kNode, .at = us(5), .node = 1}}}};
}

void await_death(BusRank& rank, Rank victim) {
  while (rank.transport->peer_state(victim) != PeerState::kDead) {
    rank.await_alarm();
    rank.transport->progress();
  }
}

TEST(BusFailures, AFailedNodeIsDeadForWhoSendsThereAndForAllWhenItIsNoticed) {
  const auto report = simulate(with_failing_node(), 9, [&](BusRank& rank) {
    if (rank.rank() == 8) {
      for (;;) rank.transport->progress();
    }
    rank.advance_to(us(7));
    EXPECT_EQ(rank.transport->peer_state(8), PeerState::kAlive) << "nobody knows yet";
    if (rank.rank() == 0) rank.post(8, 10, 1);
    await_death(rank, 8);
    EXPECT_GE(rank.now(), us(15));
    EXPECT_LE(rank.now(), us(16));
    EXPECT_TRUE(rank.alarmed());
    for (Rank peer = 0; peer < 8; ++peer) {
      EXPECT_NE(rank.transport->peer_state(peer), PeerState::kDead);
    }
    try {
      rank.control->view(8, BusRank::kData, 8);
      ADD_FAILURE() << "a dead rank was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), tuttiSystemError);
      EXPECT_EQ(error.culprits(), std::vector<Rank>{8});
    }
    const std::vector<std::byte> bytes(100);
    rank.put(8, 0, bytes);
    rank.control->flush(8, std::chrono::seconds(1));
  });
  for (std::size_t rank = 0; rank < 8; ++rank) EXPECT_EQ(report.ranks[rank].how, How::kFinished);
  EXPECT_EQ(report.ranks[8].how, How::kDied);
  EXPECT_EQ(report.ranks[8].at, us(5));
}

// Asleep, in a view, in a flush: it never goes on, and nobody hears its last words.
TEST(BusFailures, AFailedRankStopsWhereItIs) {
  const std::vector<std::byte> large = bytes_of(1 << 20, 1);
  int went_on = 0;
  std::vector<std::string> ended;
  struct Note {
    std::vector<std::string>& ended;
    const char* what;
    ~Note() { ended.emplace_back(what); }
  };
  const auto report = simulate(with_failing_node(), 11, [&](BusRank& rank) {
    if (rank.rank() == 8) {
      const Note note{ended, "slept"};
      rank.await_line(10, 1);
      ++went_on;
    } else if (rank.rank() == 9) {
      const Note note{ended, "read"};
      for (;;) rank.control->view(0, BusRank::kData, 1 << 20);
    } else if (rank.rank() == 10) {
      const Note note{ended, "polled"};
      try {
        for (;;) rank.transport->progress();
      } catch (const std::exception&) {
        ++went_on;
      }
    } else {
      await_death(rank, 8);
      rank.advance(us(20));
      EXPECT_FALSE(rank.transport->failure().has_value());
    }
  });
  EXPECT_EQ(went_on, 0);
  EXPECT_THAT(ended, testing::UnorderedElementsAre("slept", "read", "polled"));
  for (std::size_t rank = 8; rank < 11; ++rank) EXPECT_EQ(report.ranks[rank].how, How::kDied);
}

TEST(BusFailures, ADeadlockIsReportedWithWhatEachWaitsFor) {
  const auto report = simulate("ideal", 3, [&](BusRank& rank) {
    rank.advance(ns(rank.rank()));
    rank.await_line(10, 1);
  });
  ASSERT_EQ(report.deadlocks.size(), 1U);
  EXPECT_THAT(report.deadlocks[0], HasSubstr("all ranks wait for each other"));
  EXPECT_THAT(report.deadlocks[0], HasSubstr("rank 0 since 0 ps for a line that rings rank 0"));
  EXPECT_THAT(report.deadlocks[0], HasSubstr("rank 2 since 2000 ps for a line that rings rank 2"));
  for (const RankEnd& end : report.ranks) {
    EXPECT_EQ(end.how, How::kStuck);
    EXPECT_THAT(end.why, HasSubstr("a line that rings rank"));
  }
  EXPECT_FALSE(report.all_finished());
}

TEST(BusFailures, ADeadlockWithDeadlinesIsReportedAndGoesOn) {
  const auto report = simulate("ideal", 2, [&](BusRank& rank) {
    rank.transport->sleep(rank.bell(), rank.bell().ring.load(), std::chrono::seconds(30));
    EXPECT_EQ(rank.now(), Picoseconds(std::chrono::seconds(30)));
    rank.bootstrap->all_gather({}, {});
  });
  expect_finished(report);
  EXPECT_EQ(report.deadlocks.size(), 1U);
}

TEST(BusFailures, ARankThatLeavesEarlyIsMissedBehindItsLastLine) {
  const auto report = simulate("cloudmatrix384-wire", 3, [&](BusRank& rank) {
    if (rank.rank() == 2) {
      rank.post(0, 10, 1);
      return;
    }
    EXPECT_EQ(rank.await_line(10, 1), rank.rank() == 0);
    rank.await_alarm();
    EXPECT_EQ(rank.transport->peer_state(2), PeerState::kLeft);
    EXPECT_GE(rank.now(), rank.rank() == 0 ? ns(1200) : ns(0));
    rank.advance(us(10));
  });
  EXPECT_EQ(report.ranks[2].at, ps(0));
  expect_finished(report);
}

TEST(BusFailures, AnAbortIsThereForAllAtOnceAndTheFirstWins) {
  expect_finished(simulate("cloudmatrix384-wire", 3, [&](BusRank& rank) {
    if (rank.rank() == 1) {
      rank.advance(us(1));
      rank.transport->abort(Error(tuttiMismatch, "first", {2}));
    }
    rank.await_alarm();
    EXPECT_EQ(rank.now(), us(1));
    rank.transport->abort(Error(tuttiSystemError, "second"));
    const auto failure = rank.transport->failure();
    ASSERT_TRUE(failure.has_value());
    EXPECT_STREQ(failure->what(), "first");
    EXPECT_EQ(failure->culprits(), std::vector<int>{2});
    rank.advance(us(1));
  }));
}

TEST(BusFailures, OutsideASimulationThereIsNoBus) {
  class Alone final : public Bootstrap {
   public:
    Rank rank() const noexcept override { return 0; }
    int ranks() const noexcept override { return 1; }
    void all_gather(std::span<const std::byte>, std::span<std::byte>) override {}
  } alone;
  try {
    open_transport("ub", alone, std::chrono::seconds(60));
    ADD_FAILURE() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiInvalidUsage);
    EXPECT_THAT(error.what(), HasSubstr("tuttiSimRun"));
  }
  EXPECT_EQ(Simulation::current(), nullptr);
}

TEST(BusFailures, SimulationsInTwoThreadsDoNotMeet) {
  const auto run = [](SimulationReport& report) {
    report = simulate("cloudmatrix384", 4, [&](BusRank& rank) {
      for (std::uint64_t round = 1; round <= 50; ++round) {
        rank.post((rank.rank() + 1) % 4, 10, round);
        ASSERT_TRUE(rank.await_line(10, round));
      }
      rank.bootstrap->all_gather({}, {});
    });
  };
  SimulationReport a, b;
  {
    const std::jthread other([&] { run(a); });
    run(b);
  }
  expect_finished(a);
  expect_finished(b);
  EXPECT_EQ(a.arrivals, b.arrivals);
}

TEST(BusFailures, OneRunASimulation) {
  Simulation simulation({.profile = load_profile("ideal"), .placement = {.ranks = 2}});
  EXPECT_TRUE(simulation.run([](int) {}).all_finished());
  EXPECT_THROW(simulation.run([](int) {}), Error);
}

}  // namespace
}  // namespace tutti::ub::test
