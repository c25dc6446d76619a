// A rank sees a line from its time on, whether it is filled then or when the rank looks.
#include <optional>
#include <random>

#include "seen.hpp"

namespace tutti::ub::test {
namespace {

constexpr int kWanderers = 5;
constexpr int kLooks = 400;

// Puts and lines to anybody, and looks at any time: after work, after a poll, out of sleep.
void wander(BusRank& rank, std::vector<Seen>& log) {
  std::mt19937 random(static_cast<unsigned>(rank.rank()) + 1);
  static const std::vector<std::byte> large = bytes_of(kTalkBytes + 256, 3);
  std::uint64_t value = 0;
  for (int step = 0; step < kLooks; ++step) {
    const auto peer = static_cast<Rank>(random() % kWanderers);
    switch (random() % 6) {
      case 0:
        rank.put(peer, talk_area(rank.rank()),
                 std::span(large).subspan(static_cast<std::size_t>(step) % 256, kTalkBytes));
        [[fallthrough]];
      case 1:
      case 2:
        rank.post(peer, kTalkLine + static_cast<LineId>(rank.rank()), ++value);
        break;
      case 3:
        rank.transport->progress();
        break;
      case 4:
        rank.transport->charge(LocalWork::copy(random() % 100'000));
        break;
      default: {
        const std::uint32_t seen = rank.bell().ring.load();
        rank.transport->sleep(rank.bell(), seen, Nanoseconds(random() % 5000));
      }
    }
    log.push_back(see(rank));
  }
  rank.bootstrap->all_gather({}, {});
}

SeenLog logged(SimulationOptions options, SimulationReport& report) {
  SeenLog log(kWanderers);
  report = simulate(std::move(options), kWanderers, [&](BusRank& rank) {
    wander(rank, log[static_cast<std::size_t>(rank.rank())]);
  });
  expect_finished(report);
  return log;
}

TEST(BusLooks, ShowTheSameWithARecordAndWithout) {
  for (const char* const profile : {"cloudmatrix384", "cloudmatrix384-wire", "ideal", "h800-ib"}) {
    for (int round = 0; round < 4; ++round) {
      const Spraying spraying = round % 2 == 0 ? Spraying::kSummed : Spraying::kMessageHash;
      const auto seed = round < 2 ? std::optional<std::uint64_t>() : 7;
      SCOPED_TRACE(testing::Message() << profile << ", round " << round);
      const auto options = [&](std::uint64_t record_bytes) {
        return SimulationOptions{.profile = load_profile(profile),
                                 .fabric = {.spraying = spraying},
                                 .scheduler = {.reorder_seed = seed},
                                 .record_bytes = record_bytes};
      };
      SimulationReport plain;
      SimulationReport recorded;
      const SeenLog looks = logged(options(0), plain);
      expect_same(looks, logged(options(64 << 20), recorded));
      expect_same(plain, recorded);
    }
  }
}

// Nobody looks at what comes last; it has come all the same.
TEST(BusLooks, WhatNobodyLooksAtCountsToo) {
  const auto report = simulate("cloudmatrix384", 2, [&](BusRank& rank) {
    rank.bootstrap->all_gather({}, {});
    if (rank.rank() == 0) rank.post(1, kTalkLine, 1);
  });
  expect_finished(report);
  EXPECT_EQ(report.bytes, sizeof(Line));
  EXPECT_EQ(report.transfers, 1U);
  EXPECT_GT(report.last_arrival, ns(200));
  EXPECT_EQ(report.end, report.last_arrival);
}

}  // namespace
}  // namespace tutti::ub::test
