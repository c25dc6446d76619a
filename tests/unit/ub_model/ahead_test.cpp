// Writes that are started ahead of their time, and writes that leave a port in one event: they
// arrive as if each had been started, and had left, at its own time.
#include <gtest/gtest.h>

#include <algorithm>

#include "traffic.hpp"

namespace tutti::ub::test {
namespace {

constexpr int kRanks = 24;

Topology topology_of(const std::string& profile) {
  return Topology(load_profile(profile), {.ranks = kRanks});
}

// Runs of lines to one peer after another, from 50 ns to 80 ns apart, and reads and long writes
// between them. No two transfers start at one time.
std::vector<Send> runs_and_reads(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Send> traffic;
  for (int rank = 0; rank < kRanks; ++rank) {
    std::int64_t now = static_cast<std::int64_t>(random() % 3'000'000);
    for (int run = 0; run < 12; ++run) {
      const int lines = static_cast<int>(random() % 40);
      for (int i = 0; i < lines; ++i) {
        traffic.push_back({.at = Picoseconds(now),
                           .transfer = {.rank = rank, .peer = (rank + i) % kRanks, .bytes = 64}});
        now += 50'000 + static_cast<std::int64_t>(random() % 30'000);
      }
      const bool reads = random() % 2 == 0;
      traffic.push_back({.at = Picoseconds(now),
                         .transfer = {.rank = rank,
                                      .peer = static_cast<int>(random() % kRanks),
                                      .direction = reads ? Direction::kRead : Direction::kWrite,
                                      .rows = 1 + static_cast<std::uint32_t>(random() % 5),
                                      .bytes = 1 + random() % 60'000}});
      now += static_cast<std::int64_t>(random() % 4'000'000);
    }
  }
  std::ranges::sort(traffic, {},
                    [](const Send& send) { return std::pair(send.at, send.transfer.rank); });
  return traffic;
}

// Something fails, when all is over: until then every message has an event for every port.
FabricOptions one_by_one() {
  return {.faults = {{.kind = Fault::Kind::kSlowLink,
                      .at = std::chrono::seconds(10),
                      .plane = 0,
                      .rank = 0,
                      .percent = 50}}};
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.left, b.left);
  EXPECT_EQ(a.arrived, b.arrived);
}

TEST(AheadOfTime, WritesThatLeaveInOneEventArriveAsOneByOne) {
  for (const char* const profile :
       {"cloudmatrix384", "cloudmatrix384-wire", "gb200-nvl72", "h800-ib"}) {
    const Topology topology = topology_of(profile);
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      SCOPED_TRACE(testing::Message() << profile << ", seed " << seed);
      const std::vector<Send> traffic = runs_and_reads(seed);
      const Outcome together = run_traffic(topology, {}, traffic);
      const Outcome alone = run_traffic(topology, one_by_one(), traffic);
      expect_same(together, alone);
      EXPECT_LE(together.events, alone.events);
      if (std::string(profile) == "cloudmatrix384") {
        EXPECT_LT(together.events, alone.events * 9 / 10);
      }
    }
  }
}

TEST(AheadOfTime, WhatStartsAheadArrivesAsIfItHadNot) {
  for (const ModelLevel level : kQueueLevels) {
    for (const char* const profile : {"cloudmatrix384", "cloudmatrix384-wire", "h800-ib"}) {
      const Topology topology = topology_of(profile);
      for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE(testing::Message() << profile << ", seed " << seed);
        const std::vector<Send> traffic = runs_and_reads(seed);
        const Outcome ahead =
            run_traffic(topology, {.level = level}, traffic, Picoseconds(2'000'000));
        const Outcome then = run_traffic(topology, {.level = level}, traffic);
        expect_same(ahead, then);
        EXPECT_LE(ahead.bound, ahead.last);
        EXPECT_LE(ahead.bound, then.bound);
        EXPECT_GE(ahead.bound.count(), then.bound.count() * 99 / 100);
      }
    }
  }
}

// As a sink may: whatever leaves starts the next one, alone or while others of its rank are still
// leaving in the same event.
TEST(AheadOfTime, WhatLeavesMayStartTheNext) {
  struct Relay final : TransferSink {
    explicit Relay(std::uint64_t first) : each(first), arrivals(4 * first) {}
    void start(std::uint64_t tag, Picoseconds at) const {
      fabric->start(at,
                    {.rank = 0, .peer = 1 + static_cast<int>(tag % 20), .bytes = 64, .tag = tag});
    }
    void left(std::uint64_t tag, Picoseconds when) override {
      if (tag < 3 * each) start(tag + each, when);
    }
    void arrived(std::uint64_t tag, Picoseconds) override { ++arrivals[tag]; }
    void lost(std::uint64_t, Picoseconds) override { ADD_FAILURE(); }

    Fabric* fabric = nullptr;
    const std::uint64_t each;
    std::vector<int> arrivals;  // [tag]
  };
  for (const char* const profile : {"cloudmatrix384", "cloudmatrix384-wire"}) {
    for (const std::uint64_t each : {1U, 2U, 200U}) {
      const Topology topology = topology_of(profile);
      Relay relay(each);
      EventHeap queue;
      const auto fabric = make_fabric(topology, {}, queue, relay);
      relay.fabric = fabric.get();
      for (std::uint64_t tag = 0; tag < each; ++tag) {
        relay.start(tag, Picoseconds(static_cast<std::int64_t>(tag) * 1000));
      }
      queue.run();
      EXPECT_EQ(relay.arrivals, std::vector<int>(4 * each, 1)) << profile << ", " << each;
    }
  }
}

// A rank has two streams, of which one goes ahead: the other one finds the cores busy until then.
TEST(AheadOfTime, WhatIsStartedAfterItWaitsForIt) {
  for (const ModelLevel level : kQueueLevels) {
    for (const char* const profile : {"cloudmatrix384", "cloudmatrix384-wire"}) {
      const Topology topology = topology_of(profile);
      const auto write = [](std::int64_t at, int peer) {
        return Send{.at = Picoseconds(at), .transfer = {.rank = 0, .peer = peer, .bytes = 64}};
      };
      // All with the first one, in this order.
      const std::vector<Send> traffic{write(500'000, 9), write(3'000'000, 10),
                                      write(1'000'000, 12)};
      const std::vector<Send> in_order{write(500'000, 9), write(3'000'000, 10),
                                       write(3'000'000, 12)};
      const Outcome late = run_traffic(topology, {.level = level}, traffic, Picoseconds(5'000'000));
      expect_same(late, run_traffic(topology, {.level = level}, in_order));
    }
  }
}

// Rank after rank, as far ahead as can be: never a later bound than in order of time, and none
// without the work of a busy port.
TEST(AheadOfTime, TheBoundStaysOne) {
  class Deaf final : public TransferSink {
    void left(std::uint64_t, Picoseconds) override {}
    void arrived(std::uint64_t, Picoseconds) override {}
    void lost(std::uint64_t, Picoseconds) override {}
  } deaf;
  const Topology topology = topology_of("cloudmatrix384");
  const auto bound_of = [&](const std::vector<Send>& traffic) {
    BoundFabric bound(topology, deaf);
    for (const Send& send : traffic) bound.start(send.at, send.transfer);
    return bound.latest();
  };
  const auto by_rank = [](std::vector<Send> traffic) {
    std::ranges::stable_sort(traffic, {}, [](const Send& send) { return send.transfer.rank; });
    return traffic;
  };
  int incasts = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<Send> traffic = runs_and_reads(seed);
    const Picoseconds sparse = bound_of(traffic);
    EXPECT_LE(bound_of(by_rank(traffic)), sparse) << "seed " << seed;
    // 10 MiB from each to one rank, while all else goes on.
    for (int rank = 1; rank < kRanks; ++rank) {
      traffic.push_back({.at = Picoseconds(20'000'000 + rank),
                         .transfer = {.rank = rank, .peer = 0, .bytes = 10 << 20}});
    }
    std::ranges::stable_sort(traffic, {}, &Send::at);
    const Picoseconds busy = bound_of(traffic);
    incasts += busy > 2 * sparse ? 1 : 0;
    EXPECT_LE(bound_of(by_rank(traffic)), busy) << "seed " << seed;
    EXPECT_GE(bound_of(by_rank(traffic)).count(), busy.count() * 95 / 100) << "seed " << seed;
  }
  EXPECT_EQ(incasts, 20);
}

}  // namespace
}  // namespace tutti::ub::test
