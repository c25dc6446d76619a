// Equal runs have equal digests, and the digest tells which bytes travelled.
#include "bus_rank.hpp"

namespace tutti::ub::test {
namespace {

struct Run {
  std::optional<std::uint64_t> seed;
  int payload = 1;
  std::size_t bytes = 7168;
  std::string profile = "cloudmatrix384";
};

// An all-to-all of puts, and a view of the neighbour's last row.
SimulationReport run(const Run& how) {
  constexpr int kRanks = 16;
  SimulationReport report =
      simulate({.profile = load_profile(how.profile), .scheduler = {.reorder_seed = how.seed}},
               kRanks, [&](BusRank& rank) {
                 std::vector<std::vector<std::byte>> rows;
                 for (int step = 1; step < kRanks; ++step) {
                   const Rank peer = (rank.rank() + step) % kRanks;
                   rows.push_back(bytes_of(how.bytes, rank.rank() * kRanks + peer + how.payload));
                   rank.put(peer, static_cast<std::size_t>(rank.rank()) * 8192, rows.back());
                   rank.post(peer, static_cast<LineId>(10 + rank.rank()), 1);
                 }
                 for (Rank peer = 0; peer < kRanks; ++peer) {
                   if (peer == rank.rank()) continue;
                   ASSERT_TRUE(rank.await_line(static_cast<LineId>(10 + peer), 1));
                 }
                 const Rank next = (rank.rank() + 1) % kRanks;
                 rank.control->view(next, BusRank::kData, 4096);
                 rank.bootstrap->all_gather({}, {});
               });
  expect_finished(report);
  return report;
}

TEST(BusDigests, AreEqualForEqualRuns) {
  const SimulationReport a = run({});
  const SimulationReport b = run({});
  EXPECT_EQ(a.arrivals, b.arrivals);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.transfers, 16U * 15 * 2 + 16);
  EXPECT_EQ(a.bytes, 16U * 15 * (7168 + 64) + 16 * 4096);
  EXPECT_GE(a.last_arrival, a.bound);
  EXPECT_GE(a.end, a.last_arrival);
  const SimulationReport seeded = run({.seed = 5});
  EXPECT_EQ(run({.seed = 5}).arrivals, seeded.arrivals);
}

TEST(BusDigests, TellOtherBytes) {
  const SimulationReport a = run({});
  const SimulationReport b = run({.payload = 2});
  EXPECT_EQ(a.arrivals, b.arrivals) << "the same sizes at the same times";
  EXPECT_NE(a.payload, b.payload);
}

TEST(BusDigests, DoNotDependOnWhatIsHashedNext) {
  const std::vector<std::byte> bytes = bytes_of(8192, 1);
  const std::vector<std::byte> others = bytes_of(8192, 2);
  for (const std::size_t size : {0U, 1U, 31U, 32U, 63U, 64U, 65U, 100U, 128U, 7168U, 8191U}) {
    const std::span<const std::byte> row(bytes.data(), size);
    EXPECT_EQ(hash_bytes(row, 3), hash_bytes(row, 3, others.data())) << size;
    if (size > 0) {
      EXPECT_NE(hash_bytes(row, 3), hash_bytes(std::span(others).first(size), 3)) << size;
    }
  }
}

TEST(BusDigests, TellOtherTimes) {
  const SimulationReport a = run({});
  const SimulationReport b = run({.profile = "cloudmatrix384-wire"});
  const SimulationReport c = run({.seed = 9});
  EXPECT_NE(a.arrivals, b.arrivals);
  EXPECT_EQ(a.payload, b.payload) << "the same bytes between the same ranks";
  EXPECT_EQ(a.payload, c.payload);
  EXPECT_NE(a.arrivals, run({.bytes = 7167}).arrivals);
}

}  // namespace
}  // namespace tutti::ub::test
