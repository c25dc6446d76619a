// A rank sees a line from its time on, whether it is filled then or when the rank looks.
#include <optional>
#include <random>

#include "bus_rank.hpp"

namespace tutti::ub::test {
namespace {

constexpr int kWanderers = 5;
constexpr int kLooks = 400;
constexpr LineId kFirst = 10;

struct Look {
  std::int64_t ps;
  std::vector<std::uint64_t> lines;
  std::uint8_t first;  // byte of what was put before them
  bool operator==(const Look&) const = default;
};
using Log = std::vector<std::vector<Look>>;  // [rank]

// Puts and lines to anybody, and looks at any time: after work, after a poll, out of sleep.
void wander(BusRank& rank, std::vector<Look>& log) {
  std::mt19937 random(static_cast<unsigned>(rank.rank()) + 1);
  static const std::vector<std::byte> large = bytes_of(60'000, 3);
  std::uint64_t value = 0;
  for (int step = 0; step < kLooks; ++step) {
    const auto peer = static_cast<Rank>(random() % kWanderers);
    switch (random() % 6) {
      case 0:
        rank.put(peer, static_cast<std::size_t>(rank.rank()) * large.size(), large);
        [[fallthrough]];
      case 1:
      case 2:
        rank.post(peer, kFirst + static_cast<LineId>(rank.rank()), ++value);
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
    Look look{.ps = rank.now().count(), .lines = {}, .first = 0};
    for (LineId line = kFirst; line < kFirst + kWanderers; ++line) {
      look.lines.push_back(rank.line(line));
    }
    for (int from = 0; from < kWanderers; ++from) {
      look.first = static_cast<std::uint8_t>(
          look.first * 3 + static_cast<std::uint8_t>(
                               rank.data()[static_cast<std::size_t>(from) * large.size() + 7]));
    }
    log.push_back(std::move(look));
  }
  rank.bootstrap->all_gather({}, {});
}

Log logged(SimulationOptions options, SimulationReport& report) {
  Log log(kWanderers);
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
      const Log looks = logged(options(0), plain);
      const Log again = logged(options(64 << 20), recorded);
      for (std::size_t rank = 0; rank < looks.size(); ++rank) {
        for (std::size_t i = 0; i < looks[rank].size(); ++i) {
          const Look& a = looks[rank][i];
          const Look& b = again[rank][i];
          ASSERT_EQ(a.ps, b.ps) << "rank " << rank << ", look " << i;
          ASSERT_EQ(a.lines, b.lines) << "rank " << rank << ", look " << i << " at " << a.ps;
          ASSERT_EQ(a.first, b.first) << "rank " << rank << ", look " << i << " at " << a.ps;
        }
      }
      EXPECT_EQ(plain.arrivals, recorded.arrivals);
      EXPECT_EQ(plain.payload, recorded.payload);
      EXPECT_EQ(plain.end, recorded.end);
      EXPECT_EQ(plain.last_arrival, recorded.last_arrival);
      EXPECT_EQ(plain.events, recorded.events);
    }
  }
}

// Nobody looks at what comes last; it has come all the same.
TEST(BusLooks, WhatNobodyLooksAtCountsToo) {
  const auto report = simulate("cloudmatrix384", 2, [&](BusRank& rank) {
    rank.bootstrap->all_gather({}, {});
    if (rank.rank() == 0) rank.post(1, kFirst, 1);
  });
  expect_finished(report);
  EXPECT_EQ(report.bytes, sizeof(Line));
  EXPECT_EQ(report.transfers, 1U);
  EXPECT_GT(report.last_arrival, ns(200));
  EXPECT_EQ(report.end, report.last_arrival);
}

}  // namespace
}  // namespace tutti::ub::test
