// What fails, when that is noticed, and what it costs.
#include <gtest/gtest.h>

#include "tests/support/complaint.hpp"
#include "traffic.hpp"
#include "tutti/error.hpp"

namespace tutti::ub::test {

namespace {

using tutti::test::complaint_of;

using Kind = Fault::Kind;

constexpr Picoseconds us(std::int64_t count) { return Picoseconds(count * 1'000'000); }
constexpr std::uint64_t kLarge = 7 << 20;  // 18.7 us of a port of 392 GB/s

// cloudmatrix384-wire: failures are noticed after 10 us.
struct Fixture {
  Profile profile = load_profile("cloudmatrix384-wire");
  Topology topology{profile, {.ranks = 24}};
  int bus = profile.network_named("bus");

  Outcome run(ModelLevel level, const std::vector<Fault>& faults, const std::vector<Send>& traffic,
              Spraying spraying = Spraying::kSummed) const {
    return run_traffic(topology, {.level = level, .spraying = spraying, .faults = faults}, traffic);
  }
  Fault plane(Picoseconds at, int number) const {
    return {.kind = Kind::kPlane, .at = at, .network = bus, .plane = number};
  }
};

Send write(int rank, int peer, std::uint64_t bytes, Picoseconds at = {}) {
  return {.at = at, .transfer = {.rank = rank, .peer = peer, .bytes = bytes}};
}

double port_us(double bytes) { return bytes / 392e3; }

}  // namespace

TEST(Faults, APlaneThatIsKnownToBeDownIsRoutedAround) {
  const Fixture f;
  for (const ModelLevel level : kQueueLevels) {
    for (const Spraying spraying : {Spraying::kSummed, Spraying::kPerCell}) {
      const Outcome outcome =
          f.run(level, {f.plane(us(0), 3)}, {write(0, 8, kLarge, us(20))}, spraying);
      EXPECT_NEAR(outcome.last_us() - 21.9, port_us(kLarge) * 7 / 6, 0.2)
          << static_cast<int>(level) << ", " << static_cast<int>(spraying);
    }
    for (const Spraying spraying : {Spraying::kPinned, Spraying::kMessageHash}) {
      const Outcome outcome = f.run(level, {f.plane(us(0), 0), f.plane(us(0), 1)},
                                    std::vector<Send>(20, write(0, 8, 4096, us(20))), spraying);
      EXPECT_LT(outcome.last_us(), 25) << "on planes that are there";
    }
  }
}

// A seventh of what is on the way is lost, and sent again when that is noticed.
TEST(Faults, WhatIsUnderWayIsReplayed) {
  const Fixture f;
  for (const ModelLevel level : kQueueLevels) {
    SCOPED_TRACE(static_cast<int>(level));
    const Outcome healthy = f.run(level, {}, {write(0, 8, kLarge)});
    const Outcome outcome = f.run(level, {f.plane(us(12), 3)}, {write(0, 8, kLarge)});
    EXPECT_GT(outcome.last, us(22)) << "not before the failure is noticed at 22 us";
    EXPECT_GT(outcome.last, healthy.last);
    // A lost cell's credit is lost until then too, which holds back the others.
    EXPECT_LT(outcome.last_us(),
              22 + 1.9 + port_us(kLarge) / (level == ModelLevel::kMessage ? 6 : 2));
    EXPECT_GE(outcome.left[0], us(22)) << "the source is needed until then";
  }
}

TEST(Faults, WhatIsNotUnderWayIsNot) {
  const Fixture f;
  for (const ModelLevel level : kQueueLevels) {
    const std::vector<Send> traffic = {write(0, 8, 4096)};
    EXPECT_EQ(f.run(level, {f.plane(us(100), 3)}, traffic).arrived,
              f.run(level, {}, traffic).arrived);
  }
}

TEST(Faults, APinnedMessageIsReplayedOnAnotherPlane) {
  const Fixture f;
  for (const ModelLevel level : kQueueLevels) {
    const Outcome outcome =
        f.run(level, {f.plane(us(0), 0)}, {write(0, 8, 4096)}, Spraying::kPinned);
    EXPECT_NEAR(outcome.last_us(), 10 + 1.9, 1.2) << static_cast<int>(level);
    EXPECT_GT(outcome.last, us(10));
  }
}

TEST(Faults, WithoutAnyPlaneNothingArrives) {
  const Fixture f;
  std::vector<Fault> all;
  all.reserve(7);
  for (int plane = 0; plane < 7; ++plane) all.push_back(f.plane(us(0), plane));
  for (const ModelLevel level : kQueueLevels) {
    for (const Spraying spraying : {Spraying::kSummed, Spraying::kPerCell, Spraying::kPinned}) {
      const Outcome outcome =
          f.run(level, all, {write(0, 8, 65536), write(0, 8, 65536, us(30))}, spraying);
      EXPECT_GE(outcome.lost[0], us(10)) << static_cast<int>(level);
      EXPECT_GE(outcome.lost[1], us(30)) << static_cast<int>(level);
    }
  }
}

TEST(Faults, ALinkConcernsItsRankOnly) {
  const Fixture f;
  const Fault link{.kind = Kind::kLink, .at = us(0), .network = f.bus, .plane = 2, .rank = 8};
  const std::vector<Send> traffic = {write(0, 8, kLarge, us(20)), write(1, 9, kLarge, us(20))};
  for (const ModelLevel level : kQueueLevels) {
    const Outcome outcome = f.run(level, {link}, traffic);
    const Outcome healthy = f.run(level, {}, traffic);
    EXPECT_NEAR(static_cast<double>((outcome.arrived[0] - healthy.arrived[0]).count()) / 1e6,
                port_us(kLarge) / 6, 0.2);
    EXPECT_EQ(outcome.arrived[1], healthy.arrived[1]);
  }
}

TEST(Faults, APortConcernsWhatLeavesTheNode) {
  const Fixture f;
  const Fault port{.kind = Kind::kPort, .at = us(0), .network = f.bus, .plane = 2, .node = 0};
  std::vector<Send> traffic;
  traffic.reserve(16);
  for (int rank = 0; rank < 8; ++rank) traffic.push_back(write(rank, rank + 8, kLarge, us(20)));
  for (int rank = 16; rank < 24; ++rank) {
    traffic.push_back(write(rank, 16 + (rank + 1) % 8, kLarge, us(20)));
  }
  for (const ModelLevel level : kQueueLevels) {
    const Outcome outcome = f.run(level, {port}, traffic);
    const Outcome healthy = f.run(level, {}, traffic);
    EXPECT_NEAR(static_cast<double>((outcome.arrived[0] - healthy.arrived[0]).count()) / 1e6,
                port_us(kLarge) / 6, 0.5)
        << static_cast<int>(level);
    EXPECT_EQ(outcome.arrived[8], healthy.arrived[8]);
  }
}

TEST(Faults, ANodeTakesItsTrafficWithIt) {
  const Fixture f;
  const Fault node{.kind = Kind::kNode, .at = us(5), .node = 1};
  const std::vector<Send> traffic = {write(0, 8, 4096),          write(0, 16, 4096, us(30)),
                                     write(0, 8, kLarge, us(3)), write(8, 0, 4096, us(7)),
                                     write(0, 9, 4096, us(30)),  write(8, 9, 4096, us(30))};
  for (const ModelLevel level : kQueueLevels) {
    SCOPED_TRACE(static_cast<int>(level));
    const Outcome outcome = f.run(level, {node}, traffic);
    EXPECT_NE(outcome.arrived[0], Outcome::kNever);
    EXPECT_NE(outcome.arrived[1], Outcome::kNever);
    EXPECT_GE(outcome.lost[2], us(15));
    EXPECT_GE(outcome.lost[3], us(15));
    EXPECT_LT(outcome.lost[3], us(16));
    EXPECT_GE(outcome.lost[4], us(30));
    EXPECT_GE(outcome.lost[5], us(30));
  }
}

TEST(Faults, ARankTakesItsOwnTrafficWithIt) {
  const Fixture f;
  const Fault rank{.kind = Kind::kRank, .at = us(5), .rank = 8};
  const std::vector<Send> traffic = {write(0, 8, 4096), write(8, 0, 4096, us(7)),
                                     write(0, 9, 4096, us(30)), write(9, 8, 4096, us(30))};
  for (const ModelLevel level : kQueueLevels) {
    SCOPED_TRACE(static_cast<int>(level));
    const Outcome outcome = f.run(level, {rank}, traffic);
    EXPECT_NE(outcome.arrived[0], Outcome::kNever);
    EXPECT_GE(outcome.lost[1], us(15));
    EXPECT_LT(outcome.lost[1], us(16));
    EXPECT_NE(outcome.arrived[2], Outcome::kNever) << "its neighbour on the node lives";
    EXPECT_GE(outcome.lost[3], us(30));
  }
}

TEST(Faults, ASlowLinkCostsItsShare) {
  const Fixture f;
  const Fault slow{
      .kind = Kind::kSlowLink, .at = us(0), .network = f.bus, .plane = 2, .rank = 0, .percent = 30};
  for (const ModelLevel level : kQueueLevels) {
    const double healthy = f.run(level, {}, {write(0, 8, kLarge)}).last_us() - 1.9;
    const double summed = f.run(level, {slow}, {write(0, 8, kLarge)}).last_us() - 1.9;
    EXPECT_NEAR(summed, healthy * 7 / 6.3, 0.1);
  }
  // Even shares on all planes wait for the slowest; cells go where there is room.
  const auto per_cell = [&](ModelLevel level) {
    return f.run(level, {slow}, {write(0, 8, kLarge)}, Spraying::kPerCell).last_us() - 1.9;
  };
  EXPECT_NEAR(per_cell(ModelLevel::kMessage), port_us(kLarge) / 0.3, 0.1);
  EXPECT_NEAR(per_cell(ModelLevel::kCell), port_us(kLarge) * 7 / 6.3, 0.5);
}

TEST(Faults, ASlowRankIssuesItsRowsSlowly) {
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = 32});
  const Fault slow{.kind = Kind::kSlowRank, .at = us(0), .rank = 0, .percent = 400};
  const auto last = [&](int rank) {
    const Transfer put{.rank = rank, .peer = 16, .rows = 480, .bytes = std::uint64_t{480} * 64};
    return run_traffic(topology, {.faults = {slow}}, {{.transfer = put}}).last_us();
  };
  EXPECT_NEAR(last(1), 2.1 + 9 * 0.99, 0.02);
  EXPECT_NEAR(last(0), 2.1 + 9 * 4 * 0.99, 0.02);
}

TEST(Faults, AreChosenBySeed) {
  const Fixture f;
  const std::vector<Fault> any = {{.kind = Kind::kLink, .at = us(0), .network = f.bus},
                                  {.kind = Kind::kNode, .at = us(1)}};
  const std::vector<Send> traffic = random_traffic(24, 400, us(40), 9);
  const auto lost = [&](std::uint64_t seed) {
    return run_traffic(f.topology, {.faults = any, .seed = seed}, traffic).lost;
  };
  EXPECT_EQ(lost(1), lost(1));
  EXPECT_TRUE(lost(1) != lost(2) || lost(1) != lost(3) || lost(1) != lost(4));
}

TEST(Faults, OfWhatTheRunDoesNotHaveAreErrors) {
  const Fixture f;
  const auto complaint = [&](const Fault& fault) {
    return complaint_of([&] { f.run(ModelLevel::kMessage, {fault}, {}); });
  };
  EXPECT_EQ(complaint(f.plane(us(0), 7)), "a fault of plane 7: this run has 0 to 6");
  EXPECT_EQ(complaint({.kind = Kind::kNode, .node = 3}), "a fault of node 3: this run has 0 to 2");
  EXPECT_EQ(complaint({.kind = Kind::kSlowRank, .rank = 24}),
            "a fault of rank 24: this run has 0 to 23");
  EXPECT_EQ(complaint({.kind = Kind::kPort, .network = 0}),
            "a fault of a port: network 'die-to-die' has no trunk");
}

// Random failures under random traffic: nothing hangs, nothing is reported twice (run_traffic
// looks).
TEST(Faults, EveryTransferEndsUnderHostileFailures) {
  const Fixture f;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    std::vector<Fault> faults;
    for (int i = 0; i < 6; ++i) {
      const auto kind = static_cast<Kind>(random() % 6);
      faults.push_back({.kind = kind,
                        .at = Picoseconds(static_cast<std::int64_t>(random() % 30'000'000)),
                        .network = f.bus,
                        .percent = 20});
    }
    const std::vector<Send> traffic = random_traffic(24, 600, us(30), seed);
    for (const ModelLevel level : kQueueLevels) {
      for (const Spraying spraying : {Spraying::kSummed, Spraying::kPerCell, Spraying::kMessageHash,
                                      Spraying::kLeastLoaded, Spraying::kPinned}) {
        SCOPED_TRACE(testing::Message() << "level " << static_cast<int>(level) << ", spraying "
                                        << static_cast<int>(spraying));
        run_traffic(f.topology,
                    {.level = level, .spraying = spraying, .faults = faults, .seed = seed},
                    traffic);
      }
    }
  }
}

}  // namespace tutti::ub::test
