#include "transports/ub/model/spreading.hpp"

#include <algorithm>
#include <bit>

#include "transports/ub/engine/mix.hpp"

namespace tutti::ub {

namespace {

template <typename Visit>
void for_each_plane(PlaneSet planes, Visit visit) {
  for (; planes != 0; planes &= planes - 1) visit(std::countr_zero(planes));
}

// The `number`th plane of a set, counted around it.
int plane_at(PlaneSet planes, std::uint64_t number) {
  std::uint64_t skip = number % static_cast<std::uint64_t>(std::popcount(planes));
  for (; skip > 0; --skip) planes &= planes - 1;
  return std::countr_zero(planes);
}

}  // namespace

Spreading::Spreading(const Topology& topology, const FaultSchedule& faults,
                     const FabricOptions& options)
    : topology_(topology), faults_(faults) {
  for (const Network& network : topology.profile().networks) {
    const Spraying kind = options.spraying.value_or(network.spraying);
    const bool one = kind == Spraying::kSummed ||
                     (kind == Spraying::kPerCell && options.level != ModelLevel::kCell);
    kinds_.push_back(kind);
    channels_.push_back(one ? 1 : network.planes);
    most_channels_ = std::max(most_channels_, channels_.back());
  }
}

int Spreading::choose(const FaultSchedule::Route& route, std::uint64_t number,
                      const Picoseconds* load, Picoseconds when) const {
  if (channels(route.network) == 1) return 0;
  const PlaneSet planes = faults_.usable(route, when);
  if (planes == 0) return -1;
  const auto from = static_cast<std::uint64_t>(route.from);
  switch (spraying(route.network)) {
    case Spraying::kMessageHash:
      return plane_at(planes, split_mix64(split_mix64(split_mix64(from) +
                                                      static_cast<std::uint64_t>(route.to)) +
                                          number));
    case Spraying::kLeastLoaded: {
      int least = std::countr_zero(planes);
      for_each_plane(planes, [&](int plane) {
        if (load[plane] < load[least]) least = plane;
      });
      return least;
    }
    default:
      return plane_at(planes, from);
  }
}

int Spreading::route_percent(const FaultSchedule::Route& route, int plane, Picoseconds when) const {
  return std::min(faults_.link_percent(route.network, route.from, plane, when),
                  faults_.link_percent(route.network, route.to, plane, when));
}

std::uint64_t Spreading::link_weight(int network, int rank, Picoseconds when) const {
  std::uint64_t weight = 0;
  for_each_plane(faults_.usable_links(network, rank, when), [&](int plane) {
    weight += static_cast<std::uint64_t>(faults_.link_percent(network, rank, plane, when));
  });
  return weight;
}

std::uint64_t Spreading::route_weight(const FaultSchedule::Route& route, PlaneSet planes,
                                      Picoseconds when) const {
  std::uint64_t sum = 0;
  int least = 100;
  for_each_plane(planes, [&](int plane) {
    const int percent = route_percent(route, plane, when);
    sum += static_cast<std::uint64_t>(percent);
    least = std::min(least, percent);
  });
  if (spraying(route.network) == Spraying::kPerCell) {
    return static_cast<std::uint64_t>(least) * static_cast<std::uint64_t>(std::popcount(planes));
  }
  return sum;
}

Spreading::Passage Spreading::passage_among_faults(const FaultSchedule::Route& route,
                                                   const FabricPath& path, int channel,
                                                   Picoseconds when) const {
  const int network = route.network;
  if (channels(network) > 1) {
    const auto scaled = [&](int rank) {
      const int percent = faults_.link_percent(network, rank, channel, when);
      return path.plane.scaled(static_cast<std::uint64_t>(percent), 100);
    };
    return {.planes = PlaneSet{1} << channel,
            .egress = scaled(route.from),
            .ingress = scaled(route.to),
            .flow = path.plane.scaled(
                static_cast<std::uint64_t>(route_percent(route, channel, when)), 100)};
  }
  const PlaneSet planes = faults_.usable(route, when);
  if (planes == 0) return {};
  const auto whole =
      100 * static_cast<std::uint64_t>(topology_.profile().networks[index(network)].planes);
  return {.planes = planes,
          .egress = path.port.scaled(link_weight(network, route.from, when), whole),
          .ingress = path.port.scaled(link_weight(network, route.to, when), whole),
          .flow = path.port.scaled(route_weight(route, planes, when), whole)};
}

std::uint64_t Spreading::share(const FaultSchedule::Route& route, PlaneSet planes, PlaneSet all,
                               std::uint64_t bytes, Picoseconds when) const {
  if (planes == all) return bytes;
  const bool even = spraying(route.network) == Spraying::kPerCell;
  const auto weight = [&](PlaneSet set) {
    return even ? static_cast<std::uint64_t>(std::popcount(set)) : route_weight(route, set, when);
  };
  const std::uint64_t part = weight(planes);
  const std::uint64_t whole = weight(all);
  const std::uint64_t each = bytes / whole;  // so that nothing overflows
  return std::min(bytes, each * part + (bytes % whole * part + whole - 1) / whole);
}

}  // namespace tutti::ub
