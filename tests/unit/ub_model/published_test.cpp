// The model against figures that others have published or computed exactly.
#include <gtest/gtest.h>

#include "traffic.hpp"

namespace tutti::ub::test {

namespace {

Topology place(const std::string& profile, const RankPlacement& placement) {
  return Topology(load_profile(profile), placement);
}

double one_transfer_us(const Topology& topology, const Transfer& transfer, ModelLevel level) {
  return run_traffic(topology, {.level = level}, {{.transfer = transfer}}).last_us();
}

}  // namespace

// CloudMatrix384, between two NPU dies: latency of 512 B, bandwidth of large messages.
TEST(Published, PointToPointOfCloudMatrix) {
  struct Row {
    int peer;
    Direction direction;
    double latency_us, bandwidth_GBps;
  };
  const Row rows[] = {{2, Direction::kRead, 1.2, 167},  {16, Direction::kRead, 1.9, 164},
                      {2, Direction::kWrite, 1.3, 137}, {16, Direction::kWrite, 2.1, 135},
                      {1, Direction::kWrite, 0.2, 210}, {1, Direction::kRead, 0.2, 210}};
  const Topology topology = place("cloudmatrix384", {.ranks = 32});
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 30;
  for (const ModelLevel level : {ModelLevel::kBound, ModelLevel::kMessage, ModelLevel::kCell}) {
    for (const Row& row : rows) {
      SCOPED_TRACE(testing::Message()
                   << "to rank " << row.peer << ", level " << static_cast<int>(level));
      Transfer transfer{.rank = 0, .peer = row.peer, .direction = row.direction, .bytes = 512};
      EXPECT_NEAR(one_transfer_us(topology, transfer, level), row.latency_us,
                  0.03 * row.latency_us);
      transfer.bytes = level == ModelLevel::kCell ? kLarge / 64 : kLarge;
      const double us = one_transfer_us(topology, transfer, level);
      const double bandwidth = static_cast<double>(transfer.bytes) / 1e3 / (us - row.latency_us);
      EXPECT_NEAR(bandwidth, row.bandwidth_GBps, 0.03 * row.bandwidth_GBps);
    }
  }
}

// All-to-all of 64 KiB per pair: exact max-min fairness, from a fluid simulation.
TEST(Published, AllToAllOfCloudMatrixWireIsNearMaxMin) {
  struct Row {
    int ranks;
    double us;
  };
  for (const Row& row : {Row{64, 11.733}, Row{128, 22.432}, Row{192, 33.132}}) {
    const Topology topology = place("cloudmatrix384-wire", {.ranks = row.ranks});
    for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
      const auto time = [&](const std::vector<Send>& traffic) {
        return run_traffic(topology, {.level = level}, traffic).last_us();
      };
      const double us = time(all_to_all_by_node(row.ranks, 65536));
      EXPECT_NEAR(us, row.us, 0.05 * row.us)
          << row.ranks << " ranks, level " << static_cast<int>(level);
      // Rank 0 of a node hears from another node first: its port idles for the longer latency. The
      // fluid has all flows at once.
      EXPECT_NEAR(time(all_to_all(row.ranks, 65536)), row.us + 0.35, 0.36);
      RecordProperty(
          "us_" + std::to_string(row.ranks) + "_" + std::to_string(static_cast<int>(level)),
          std::to_string(us));
    }
  }
}

TEST(Published, AllToAllOf384PackagesIsNearThePortBound) {
  const Topology topology = place("cloudmatrix384-wire", {.ranks = 384});
  const std::vector<Send> traffic = all_to_all(384, 65536);
  for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
    const Outcome outcome = run_traffic(topology, {.level = level}, traffic);
    EXPECT_GE(outcome.last, outcome.bound);
    EXPECT_LE(outcome.last, outcome.bound * 105 / 100) << "level " << static_cast<int>(level);
    RecordProperty("us_" + std::to_string(static_cast<int>(level)),
                   std::to_string(outcome.last_us()));
  }
}

}  // namespace tutti::ub::test
