// A profile with ranks placed in it: how far two ranks are apart, and what lies between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "transports/ub/model/profile.hpp"
#include "transports/ub/model/rate.hpp"

namespace tutti::ub {

struct RankPlacement {
  int ranks = 1;
  std::string per;         // a name of the profile's "ranks"; empty: the first
  std::vector<int> nodes;  // filled in this order; empty: from node 0 on
};

// One (hop, direction), for ranks as placed. An unloaded transfer of n bytes takes before_port +
// flight + port.time(n).
struct FabricPath {
  int network = -1;  // -1: own memory
  Picoseconds before_port{};
  Picoseconds flight{};  // from the egress port to the ingress port
  Rate port;             // all planes together
  Rate plane;            // one of them

  // The trunks of two nodes lie between the ports, a third of the flight apart.
  Picoseconds to_trunk() const noexcept { return flight / 3; }
  Picoseconds behind_trunk(bool first) const noexcept {
    return first ? to_trunk() : flight - 2 * to_trunk();
  }
};

class Topology {
 public:
  // Throws tuttiInvalidArgument for what the fabric does not have.
  Topology(const Profile& profile, const RankPlacement& placement);

  const Profile& profile() const noexcept { return profile_; }
  int ranks() const noexcept { return ranks_; }
  int nodes() const noexcept { return nodes_; }
  int node_of(int rank) const noexcept { return node_of_[index(rank)]; }
  int units_per_rank() const noexcept { return units_per_rank_; }

  int hops() const noexcept { return static_cast<int>(groups_.size()); }
  // Equal for two ranks where the hop suffices.
  std::int64_t group(int hop, int rank) const noexcept { return groups_[index(hop)][index(rank)]; }
  // Index into Profile::hops.
  int hop(int a, int b) const noexcept;
  int paths() const noexcept { return static_cast<int>(paths_.size()); }
  static int path_index(int hop, Direction direction) noexcept {
    return hop * kDirections + static_cast<int>(direction);
  }
  const FabricPath& path(int path_index) const noexcept { return paths_[index(path_index)]; }
  const FabricPath& path(int a, int b, Direction direction) const noexcept {
    return path(path_index(hop(a, b), direction));
  }

  // A node's trunk port. Where it carries as much as the node's ports together it can never be what
  // holds traffic up.
  bool trunk_limits(int network) const noexcept { return trunks_[index(network)].limits; }
  Rate trunk_port(int network) const noexcept { return trunks_[index(network)].port; }
  Rate trunk_plane(int network) const noexcept { return trunks_[index(network)].plane; }
  // Of a plane, each as fast as a rank's: a package's two dies have a link each.
  int trunk_links(int network) const noexcept { return trunks_[index(network)].links; }

 private:
  struct TrunkPorts {
    bool limits = false;
    int links = 1;
    Rate port;
    Rate plane;
  };

  static std::size_t index(int i) noexcept { return static_cast<std::size_t>(i); }
  int choose_rank_level(const std::string& per) const;
  std::vector<std::int64_t> choose_nodes(const RankPlacement& placement,
                                         std::int64_t per_node) const;
  void make_paths();
  void make_trunks(std::int64_t ranks_per_node);

  Profile profile_;
  int ranks_;
  int nodes_ = 0;
  int units_per_rank_ = 1;
  std::vector<int> node_of_;
  std::vector<std::vector<std::int64_t>> groups_;  // [hop][rank]: equal where the hop suffices
  std::vector<FabricPath> paths_;
  std::vector<TrunkPorts> trunks_;
};

}  // namespace tutti::ub
