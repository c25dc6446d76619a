// How busy ports are: all bytes are counted, no port is busy for longer than there is time, and
// parts of a time sum to it.
#include "transports/ub/report/port_use.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/unit/ub_trace/workloads.hpp"

namespace tutti::ub::test {
namespace {

std::uint64_t bytes_through(const std::vector<PortGroup>& groups, PortKind kind) {
  std::uint64_t bytes = 0;
  for (const PortGroup& group : groups) {
    if (group.kind != kind) continue;
    for (const PortSum& port : group.ports) bytes += port.bytes;
  }
  return bytes;
}

TEST(PortUse, CountsEveryByteOfEveryTransferOnce) {
  for (const ModelLevel level : {ModelLevel::kBound, ModelLevel::kMessage, ModelLevel::kCell}) {
    const Outcome outcome = run(all_to_all(4096), {.level = level});
    const RunRecord& record = *outcome.simulation->record();
    std::uint64_t bytes = 0;
    for (const RecordedTransfer& transfer : record.transfers()) {
      if (transfer.from != transfer.to) bytes += transfer.bytes;
    }
    const auto groups =
        port_use(record, outcome.simulation->topology(), {.end = outcome.report.end, .bins = 50});
    EXPECT_EQ(bytes_through(groups, PortKind::kEgress), bytes);
    EXPECT_EQ(bytes_through(groups, PortKind::kIngress), bytes);
  }
}

TEST(PortUse, NoPortIsBusyForLongerThanThereIsTime) {
  for (const char* const fabric : {"cloudmatrix384", "h800-ib", "gb200-nvl72"}) {
    const Outcome outcome = run(all_to_all(262144), {.fabric = fabric});
    const Interval interval{.end = outcome.report.end, .bins = 400};
    double most = 0;
    for (const PortGroup& group :
         port_use(*outcome.simulation->record(), outcome.simulation->topology(), interval)) {
      for (const PortSum& port : group.ports) {
        double sum = 0;
        for (const float busy : port.busy) {
          EXPECT_LE(busy, interval.bin_ps() * 1.0001) << fabric;
          most = std::max(most, static_cast<double>(busy) / interval.bin_ps());
          sum += static_cast<double>(busy);
        }
        EXPECT_NEAR(sum, port.busy_ps, 1e-4 * port.busy_ps + 1);
      }
    }
    EXPECT_GT(most, 0.9) << fabric << ": an all-to-all of much fills ports";
  }
}

TEST(PortUse, HalvesOfATimeSumToIt) {
  const Outcome outcome = run(all_to_all(65536), {});
  const Picoseconds end = outcome.report.end;
  const auto busy = [&](Picoseconds from, Picoseconds to) {
    double sum = 0;
    for (const PortGroup& group :
         port_use(*outcome.simulation->record(), outcome.simulation->topology(),
                  {.begin = from, .end = to, .bins = 7})) {
      for (const PortSum& port : group.ports) sum += port.busy_ps;
    }
    return sum;
  };
  for (const int part : {3, 7, 9}) {
    const Picoseconds middle = end * part / 10;
    EXPECT_NEAR(busy({}, middle) + busy(middle, end), busy({}, end), 1e-6 * busy({}, end));
  }
}

TEST(PortUse, TrunksOfNodesCarryWhatLeavesThem) {
  const Outcome outcome = run(all_to_all(4096), {.ranks = 32});
  const Topology& topology = outcome.simulation->topology();
  std::uint64_t between = 0;
  for (const RecordedTransfer& transfer : outcome.simulation->record()->transfers()) {
    if (topology.node_of(transfer.from) != topology.node_of(transfer.to)) {
      between += transfer.bytes;
    }
  }
  ASSERT_GT(between, 0U);
  const auto groups =
      port_use(*outcome.simulation->record(), topology, {.end = outcome.report.end, .bins = 9});
  EXPECT_EQ(bytes_through(groups, PortKind::kTrunkUp), between);
  EXPECT_EQ(bytes_through(groups, PortKind::kTrunkDown), between);
}

}  // namespace
}  // namespace tutti::ub::test
