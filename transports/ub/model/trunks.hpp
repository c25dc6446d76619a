// The switch ports between nodes: a node's L1 chips up to the L2 chips, and from those down to a
// node's L1 chips.
#pragma once

#include <vector>

#include "transports/ub/model/fault_schedule.hpp"
#include "transports/ub/model/spreading.hpp"
#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

// Where planes are summed or cells sprayed, traffic spreads over all links of a trunk, which are
// one port (a channel). Where a message stays on a plane it also stays on a link, which leads to
// one L2 chip: then each link is a port of its own, and messages of several nodes may meet in an L2
// chip's port down to their node. A *link* is its number in the plane, 0 otherwise.
class Trunks {
 public:
  Trunks(const Topology& topology, const FaultSchedule& faults, const Spreading& spreading);

  // Is there a port on this way that can hold traffic up?
  bool between(const FaultSchedule::Route& route) const {
    return modelled_[static_cast<std::size_t>(route.network)] &&
           topology_.node_of(route.from) != topology_.node_of(route.to);
  }
  // Ports of one direction, by number; 0 where no trunk can hold traffic up.
  std::size_t ports() const noexcept { return up_.size(); }
  std::size_t port(int network, int node, int channel, int link) const noexcept {
    const auto row = static_cast<std::size_t>(network) * nodes_ + static_cast<std::size_t>(node);
    return (row * channels_ + static_cast<std::size_t>(channel)) * links_ +
           static_cast<std::size_t>(link);
  }

  // The link for the `number`th message of the run, which goes by `channel`: of `bytes`, which are
  // on their way up from now on.
  int choose(const FaultSchedule::Route& route, std::uint64_t number, int channel,
             std::uint64_t bytes, Picoseconds now);

  // What comes at `now` passes the port within [start, end].
  struct Crossing {
    Picoseconds start;
    Picoseconds end;
  };
  Crossing up(const FaultSchedule::Route& route, std::size_t port, std::uint64_t bytes,
              Picoseconds now) {
    return cross(up_[port], route, bytes, now);
  }
  Crossing down(const FaultSchedule::Route& route, std::size_t port, std::uint64_t bytes,
                Picoseconds now) {
    return cross(down_[port], route, bytes, now);
  }
  // Many messages cross a port of summed links at once: it does not hold up their heads.
  bool passes_heads(int network) const noexcept { return links_of(network) == 1; }

 private:
  int links_of(int network) const noexcept {
    return links_per_plane_[static_cast<std::size_t>(network)];
  }
  Rate rate(const FaultSchedule::Route& route, Picoseconds when) const;
  Crossing cross(Picoseconds& free, const FaultSchedule::Route& route, std::uint64_t bytes,
                 Picoseconds now) const {
    const Picoseconds start = free < now ? now : free;
    free = start + rate(route, now).time(bytes);
    return {start, free};
  }

  const Topology& topology_;
  const FaultSchedule& faults_;
  const Spreading& spreading_;
  std::vector<bool> modelled_;        // [network]
  std::vector<int> links_per_plane_;  // [network]: that are ports of their own
  std::size_t nodes_;
  std::size_t channels_;
  std::size_t links_ = 1;        // most that a network has
  std::vector<Picoseconds> up_;  // by port: free again
  std::vector<Picoseconds> down_;
  std::vector<Picoseconds> load_;  // of up: when all that has chosen it will be through
};

}  // namespace tutti::ub
