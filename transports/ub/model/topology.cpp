#include "transports/ub/model/topology.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace tutti::ub {

Topology::Topology(const Profile& profile, const RankPlacement& placement)
    : profile_(profile), ranks_(placement.ranks) {
  const int rank_level = choose_rank_level(placement.per);
  const std::int64_t per_node = profile_.units(rank_level, profile_.node_level);
  units_per_rank_ = static_cast<int>(profile_.units(0, rank_level));
  const std::vector<std::int64_t> nodes = choose_nodes(placement, per_node);
  nodes_ = static_cast<int>((ranks_ + per_node - 1) / per_node);

  groups_.resize(profile_.hops.size());
  for (int rank = 0; rank < ranks_; ++rank) {
    const auto node = static_cast<std::size_t>(rank / per_node);
    const std::int64_t place = nodes[node] * per_node + rank % per_node;
    node_of_.push_back(static_cast<int>(node));
    for (std::size_t hop = 0; hop < profile_.hops.size(); ++hop) {
      const int within = std::max(profile_.hops[hop].within, rank_level);
      groups_[hop].push_back(place / profile_.units(rank_level, within));
    }
  }
  make_paths();
  make_trunks(std::min<std::int64_t>(per_node, ranks_));
}

int Topology::choose_rank_level(const std::string& per) const {
  if (per.empty()) return profile_.rank_levels.front();
  std::string names;
  for (const int level : profile_.rank_levels) {
    const std::string& name = profile_.levels[index(level)].name;
    if (name == per) return level;
    names += (names.empty() ? "" : ", ") + name;
  }
  fail(tuttiInvalidArgument, "on fabric '{}' a rank is one of {}, not '{}'", profile_.name, names,
       per);
}

std::vector<std::int64_t> Topology::choose_nodes(const RankPlacement& placement,
                                                 std::int64_t per_node) const {
  const std::int64_t all =
      profile_.units(profile_.node_level, static_cast<int>(profile_.levels.size()) - 1);
  std::vector<std::int64_t> nodes(placement.nodes.begin(), placement.nodes.end());
  if (nodes.empty()) {
    nodes.resize(static_cast<std::size_t>(all));
    std::iota(nodes.begin(), nodes.end(), std::int64_t{0});
  }
  std::vector<bool> taken(static_cast<std::size_t>(all));
  for (const std::int64_t node : nodes) {
    if (node < 0 || node >= all) {
      fail(tuttiInvalidArgument, "fabric '{}' has nodes 0 to {}, not {}", profile_.name, all - 1,
           node);
    }
    if (taken[static_cast<std::size_t>(node)]) {
      fail(tuttiInvalidArgument, "node {} is chosen twice", node);
    }
    taken[static_cast<std::size_t>(node)] = true;
  }
  const std::int64_t room = static_cast<std::int64_t>(nodes.size()) * per_node;
  if (ranks_ < 1 || ranks_ > room) {
    fail(tuttiInvalidArgument, "{} nodes of fabric '{}' take 1 to {} ranks, not {}", nodes.size(),
         profile_.name, room, ranks_);
  }
  return nodes;
}

void Topology::make_paths() {
  const auto units = static_cast<std::uint64_t>(units_per_rank_);
  for (const Hop& hop : profile_.hops) {
    for (const PathCost& cost : hop.cost) {
      const Picoseconds latency = nanoseconds(cost.latency_ns);
      FabricPath path{.network = hop.network,
                      .before_port = latency,
                      .port = Rate::of_GBps(cost.bandwidth_GBps).scaled(units, 1)};
      if (hop.network >= 0) {
        const Network& network = profile_.networks[index(hop.network)];
        path.before_port = latency * network.latency_before_port_percent / 100;
        path.flight = latency - path.before_port;
        path.plane = path.port.scaled(1, static_cast<std::uint64_t>(network.planes));
      }
      paths_.push_back(path);
    }
  }
}

void Topology::make_trunks(std::int64_t ranks_per_node) {
  for (const Network& network : profile_.networks) {
    TrunkPorts ports;
    if (network.trunk) {
      ports.plane = Rate::of_GBps(network.trunk->link_GBps)
                        .scaled(static_cast<std::uint64_t>(network.trunk->links), 1);
      ports.links = std::max(network.trunk->links / units_per_rank_, 1);
      ports.port = ports.plane.scaled(static_cast<std::uint64_t>(network.planes), 1);
      const auto units = static_cast<std::uint64_t>(ranks_per_node * units_per_rank_);
      ports.limits = ports.plane < Rate::of_GBps(network.link_GBps).scaled(units, 1);
    }
    trunks_.push_back(ports);
  }
}

int Topology::hop(int a, int b) const noexcept {
  if (a == b) return 0;
  const std::size_t farthest = groups_.size() - 1;
  std::size_t hop = 1;
  while (hop < farthest && groups_[hop][index(a)] != groups_[hop][index(b)]) ++hop;
  return static_cast<int>(hop);
}

}  // namespace tutti::ub
