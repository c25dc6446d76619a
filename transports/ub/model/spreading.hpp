// Which planes a transfer uses and how fast its ports pass it on: spraying, and faults.
#pragma once

#include <vector>

#include "transports/ub/model/fabric.hpp"
#include "transports/ub/model/fault_schedule.hpp"
#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

// A network's ports of a rank are either one or one a plane; a *channel* is the number of such a
// port. per_cell has one where whole messages are looked at, and one a plane where cells are.
class Spreading {
 public:
  // What a transfer meets on its way. `flow` is its own fastest pace, the others are what it takes
  // of the ports' time.
  struct Passage {
    PlaneSet planes = 0;  // none: there is no way
    Rate egress;
    Rate ingress;
    Rate flow;
  };

  Spreading(const Topology& topology, const FaultSchedule& faults, const FabricOptions& options);

  Spraying spraying(int network) const noexcept { return kinds_[index(network)]; }
  int channels(int network) const noexcept { return channels_[index(network)]; }
  int most_channels() const noexcept { return most_channels_; }
  // Does a whole message go by one plane of several?
  bool stays_on_plane(int network) const noexcept {
    return channels(network) > 1 && spraying(network) != Spraying::kPerCell;
  }

  // The channel for the `number`th message of the run. load[c] is when channel c is free at the
  // source. -1: no plane is left.
  int choose(const FaultSchedule::Route& route, std::uint64_t number, const Picoseconds* load,
             Picoseconds when) const;

  Passage passage(const FaultSchedule::Route& route, const FabricPath& path, int channel,
                  Picoseconds when) const {
    if (!faults_.quiet()) return passage_among_faults(route, path, channel, when);
    const Rate rate = rate_of(route.network, path);
    return {.planes = 1, .egress = rate, .ingress = rate, .flow = rate};
  }
  Rate rate_of(int network, const FabricPath& path) const {
    return channels(network) > 1 ? path.plane : path.port;
  }
  // The share of `bytes` that travels on `planes` of a passage over `all`, rounded up.
  std::uint64_t share(const FaultSchedule::Route& route, PlaneSet planes, PlaneSet all,
                      std::uint64_t bytes, Picoseconds when) const;

 private:
  static std::size_t index(int i) noexcept { return static_cast<std::size_t>(i); }
  Passage passage_among_faults(const FaultSchedule::Route& route, const FabricPath& path,
                               int channel, Picoseconds when) const;
  // Sums of percents: of a rank's links, of what both ends' links allow.
  std::uint64_t link_weight(int network, int rank, Picoseconds when) const;
  std::uint64_t route_weight(const FaultSchedule::Route& route, PlaneSet planes,
                             Picoseconds when) const;
  int route_percent(const FaultSchedule::Route& route, int plane, Picoseconds when) const;

  const Topology& topology_;
  const FaultSchedule& faults_;
  std::vector<Spraying> kinds_;
  std::vector<int> channels_;
  int most_channels_ = 1;
};

}  // namespace tutti::ub
