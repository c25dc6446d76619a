// What only cells show: fairness between flows, incast, back-pressure.
#include <gtest/gtest.h>

#include <algorithm>

#include "traffic.hpp"

namespace tutti::ub::test {

namespace {

Topology wire(int ranks) { return Topology(load_profile("cloudmatrix384-wire"), {.ranks = ranks}); }

}  // namespace

// A short message behind a long one of another flow: a message port serves one after the other.
TEST(Cells, FlowsOfAPortShareIt) {
  const Topology topology = wire(24);
  const std::vector<Send> traffic = {{.transfer = {.rank = 0, .peer = 8, .bytes = 64 << 20}},
                                     {.transfer = {.rank = 0, .peer = 16, .bytes = 4096}}};
  const Outcome message = run_traffic(topology, {.level = ModelLevel::kMessage}, traffic);
  const Outcome cell = run_traffic(topology, {.level = ModelLevel::kCell}, traffic);
  EXPECT_GT(message.arrived[1], Picoseconds(150'000'000));
  EXPECT_LT(cell.arrived[1], Picoseconds(2'000'000));
}

TEST(Cells, AnIncastIsFairAndTakesThePortsTime) {
  constexpr int kSenders = 63;
  constexpr std::uint64_t kBytes = 256 << 10;
  std::vector<Send> traffic;
  for (int rank = 1; rank <= kSenders; ++rank) {
    traffic.push_back({.transfer = {.rank = rank, .peer = 0, .bytes = kBytes}});
  }
  const Outcome outcome = run_traffic(wire(64), {.level = ModelLevel::kCell}, traffic);
  const double port_us = kSenders * static_cast<double>(kBytes) / 392e3;
  EXPECT_NEAR(outcome.last_us(), port_us + 1.9, 0.02 * port_us);
  // All from other nodes start together and end together; the receiver's own node starts earlier.
  const Picoseconds first = *std::min_element(outcome.arrived.begin() + 7, outcome.arrived.end());
  EXPECT_GT(first, outcome.last * 9 / 10);
}

// Room for 256 cells of 4 KiB: what more than that is on the way waits at its source.
TEST(Cells, CreditsHoldBackTheSender) {
  std::vector<Send> traffic;
  for (int rank = 1; rank <= 31; ++rank) {
    traffic.push_back({.transfer = {.rank = rank, .peer = 0, .bytes = 1 << 20}});
  }
  const Outcome message = run_traffic(wire(32), {.level = ModelLevel::kMessage}, traffic);
  const Outcome cell = run_traffic(wire(32), {.level = ModelLevel::kCell}, traffic);
  // Queues of the message level are as long as need be: each sender is rid of its bytes at once.
  EXPECT_LT(message.left[0], Picoseconds(5'000'000));
  EXPECT_GT(cell.left[0], cell.last * 8 / 10);
}

// The sender's other flows go on meanwhile.
TEST(Cells, AnIncastDoesNotHoldUpOtherFlows) {
  std::vector<Send> traffic;
  for (int rank = 1; rank <= 31; ++rank) {
    traffic.push_back({.transfer = {.rank = rank, .peer = 0, .bytes = 1 << 20}});
  }
  traffic.push_back({.transfer = {.rank = 5, .peer = 20, .bytes = 1 << 20}});
  const Outcome cell = run_traffic(wire(32), {.level = ModelLevel::kCell}, traffic);
  EXPECT_LT(cell.arrived.back(), Picoseconds(12'000'000));
  EXPECT_GT(cell.arrived[4], Picoseconds(60'000'000));
}

// Everybody sends to rank 0 first, then to rank 1, ...: with cells that costs one round of cells,
// with messages almost a second time.
TEST(Cells, OrderOfDestinationsHardlyMatters) {
  std::vector<Send> traffic;
  for (int rank = 0; rank < 64; ++rank) {
    for (int peer = 0; peer < 64; ++peer) {
      if (peer != rank)
        traffic.push_back({.transfer = {.rank = rank, .peer = peer, .bytes = 65536}});
    }
  }
  const Outcome cell = run_traffic(wire(64), {.level = ModelLevel::kCell}, traffic);
  const Outcome message = run_traffic(wire(64), {.level = ModelLevel::kMessage}, traffic);
  EXPECT_LE(cell.last_us(), 11.733 * 1.10);
  EXPECT_GE(message.last_us(), 11.733 * 1.5);
}

TEST(Cells, SmallCellsAndOddSizesComeWhole) {
  const Topology topology = wire(24);
  for (const std::uint32_t cell_bytes : {512u, 1000u, 4096u}) {
    for (const std::uint64_t bytes : {0u, 1u, 511u, 512u, 513u, 4095u, 4097u, 100003u}) {
      const Outcome outcome =
          run_traffic(topology, {.level = ModelLevel::kCell, .cell_bytes = cell_bytes},
                      {{.transfer = {.rank = 0, .peer = 8, .bytes = bytes}}});
      const double alone = 1.9 + static_cast<double>(bytes) / 392e3;
      EXPECT_NEAR(outcome.last_us(), alone, 0.001) << bytes << " in cells of " << cell_bytes;
    }
  }
}

}  // namespace tutti::ub::test
