// How busy ports are over a part of a run, from the transfers that its record has.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transports/ub/bus/run_record.hpp"
#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

// From `begin` to `end`, cut into bins of equal length.
struct Interval {
  Picoseconds begin{};
  Picoseconds end{};
  int bins = 1;

  double bin_ps() const { return static_cast<double>((end - begin).count()) / bins; }
};

enum class PortKind : std::uint8_t { kEgress, kIngress, kTrunkUp, kTrunkDown };
inline constexpr std::array<std::string_view, 4> kPortKindNames = {"egress", "ingress", "trunk up",
                                                                   "trunk down"};

// One port: all planes of a network at a rank (egress, ingress) or a node (trunks).
struct PortSum {
  double busy_ps = 0;   // what its bytes take, all planes together
  double queue_ps = 0;  // what transfers waited for it, each for itself; known at level `message`
  std::uint64_t bytes = 0;
  std::uint64_t transfers = 0;
  std::vector<float> busy;  // [bin]: in ps
};

// Ports of a kind in a network.
struct PortGroup {
  PortKind kind;
  int network;
  std::vector<PortSum> ports;  // [rank or node]
};

// Groups without a byte are left out. A port's time is spread evenly over the time in which it
// passed the transfer's bytes, or, where the model does not say when (level `cell`, `bound`, or
// what was sent again after a fault), over the time in which it can have.
std::vector<PortGroup> port_use(const RunRecord& record, const Topology& topology,
                                const Interval& interval);

}  // namespace tutti::ub
