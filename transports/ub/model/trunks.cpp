#include "transports/ub/model/trunks.hpp"

#include <algorithm>
#include <bit>

#include "transports/ub/engine/mix.hpp"

namespace tutti::ub {

Trunks::Trunks(const Topology& topology, const FaultSchedule& faults, const Spreading& spreading)
    : topology_(topology),
      faults_(faults),
      spreading_(spreading),
      nodes_(static_cast<std::size_t>(topology.nodes())),
      channels_(static_cast<std::size_t>(spreading.most_channels())) {
  const auto& networks = topology.profile().networks;
  bool any = false;
  for (int n = 0; n < static_cast<int>(networks.size()); ++n) {
    const bool has_trunk = networks[static_cast<std::size_t>(n)].trunk.has_value();
    const int links = has_trunk && spreading.stays_on_plane(n) ? topology.trunk_links(n) : 1;
    links_per_plane_.push_back(links);
    modelled_.push_back(has_trunk &&
                        (links > 1 || topology.trunk_limits(n) || faults.any_port_fails(n)));
    links_ = std::max(links_, static_cast<std::size_t>(links));
    any |= modelled_.back();
  }
  if (!any) return;
  up_.resize(networks.size() * nodes_ * channels_ * links_);
  down_.resize(up_.size());
  load_.resize(up_.size());
}

int Trunks::choose(const FaultSchedule::Route& route, std::uint64_t number, int channel,
                   std::uint64_t bytes, Picoseconds now) {
  const int count = links_of(route.network);
  if (count == 1 || !between(route)) return 0;
  const auto links = static_cast<std::uint64_t>(count);
  const auto from = static_cast<std::uint64_t>(route.from);
  Picoseconds* const load = &load_[port(route.network, topology_.node_of(route.from), channel, 0)];
  std::uint64_t link = 0;
  switch (spreading_.spraying(route.network)) {
    case Spraying::kMessageHash:
      link = split_mix64(split_mix64(split_mix64(number) + from) +
                         static_cast<std::uint64_t>(route.to)) %
             links;
      break;
    case Spraying::kLeastLoaded:
      link = static_cast<std::uint64_t>(std::min_element(load, load + links) - load);
      break;
    default: {  // ranks that share a plane take its links in turn
      const int planes = spreading_.channels(route.network);
      link = from / static_cast<std::uint64_t>(planes) % links;
    }
  }
  load[link] = std::max(load[link], now) + rate(route, now).time(bytes);
  return static_cast<int>(link);
}

Rate Trunks::rate(const FaultSchedule::Route& route, Picoseconds when) const {
  const int network = route.network;
  if (spreading_.channels(network) > 1) {
    const Rate plane = topology_.trunk_plane(network);
    return plane.scaled(1, static_cast<std::uint64_t>(links_of(network)));
  }
  const Rate all = topology_.trunk_port(network);
  const PlaneSet planes = faults_.quiet() ? 0 : faults_.usable(route, when);
  if (planes == 0) return all;
  const int count = topology_.profile().networks[static_cast<std::size_t>(network)].planes;
  return all.scaled(static_cast<std::uint64_t>(std::popcount(planes)),
                    static_cast<std::uint64_t>(count));
}

}  // namespace tutti::ub
