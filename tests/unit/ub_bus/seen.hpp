// What a rank of these tests has seen so far, to be compared with what it sees in another run.
#pragma once

#include <vector>

#include "bus_rank.hpp"

namespace tutti::ub::test {

// Of every rank's talk to all others: a line, and an area of bytes.
constexpr LineId kTalkLine = 10;
constexpr std::size_t kTalkBytes = 60'000;

struct Seen {
  std::int64_t ps;
  std::vector<std::uint64_t> lines;  // [source]
  std::vector<std::byte> bytes;      // [source]: one of its area
  bool operator==(const Seen&) const = default;
};
using SeenLog = std::vector<std::vector<Seen>>;  // [rank]

inline std::size_t talk_area(Rank source) { return static_cast<std::size_t>(source) * kTalkBytes; }

inline Seen see(BusRank& rank) {
  Seen seen{.ps = rank.now().count(), .lines = {}, .bytes = {}};
  for (Rank source = 0; source < rank.ranks(); ++source) {
    seen.lines.push_back(rank.line(kTalkLine + static_cast<LineId>(source)));
    seen.bytes.push_back(rank.data()[talk_area(source) + 7]);
  }
  return seen;
}

inline void expect_same(const SeenLog& a, const SeenLog& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t rank = 0; rank < a.size(); ++rank) {
    ASSERT_EQ(a[rank].size(), b[rank].size());
    for (std::size_t i = 0; i < a[rank].size(); ++i) {
      ASSERT_EQ(a[rank][i].ps, b[rank][i].ps) << "rank " << rank << ", look " << i;
      ASSERT_EQ(a[rank][i].lines, b[rank][i].lines)
          << "rank " << rank << ", look " << i << " at " << a[rank][i].ps;
      ASSERT_EQ(a[rank][i].bytes, b[rank][i].bytes)
          << "rank " << rank << ", look " << i << " at " << a[rank][i].ps;
    }
  }
}

inline void expect_same(const SimulationReport& a, const SimulationReport& b) {
  EXPECT_EQ(a.arrivals, b.arrivals);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.last_arrival, b.last_arrival);
  EXPECT_EQ(a.events, b.events);
}

}  // namespace tutti::ub::test
