#include "transports/ub/model/fault_schedule.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "transports/ub/engine/mix.hpp"

namespace tutti::ub {

namespace {

constexpr PlaneSet plane_bit(int plane) { return PlaneSet{1} << plane; }

constexpr PlaneSet all_planes(int planes) {
  return planes == 64 ? ~PlaneSet{0} : plane_bit(planes) - 1;
}

bool is_slowness(Fault::Kind kind) {
  return kind == Fault::Kind::kSlowLink || kind == Fault::Kind::kSlowRank;
}

// Chooses what is kAny, refuses what is out of range.
int choose(int wanted, int count, std::uint64_t random, std::string_view what) {
  if (wanted == Fault::kAny) {
    return static_cast<int>(random % static_cast<std::uint64_t>(count));
  }
  if (wanted < 0 || wanted >= count) {
    fail(tuttiInvalidArgument, "a fault of {} {}: this run has 0 to {}", what, wanted, count - 1);
  }
  return wanted;
}

}  // namespace

FaultSchedule::FaultSchedule(const Topology& topology, const std::vector<Fault>& faults,
                             std::uint64_t seed)
    : topology_(topology) {
  std::vector<Fault> resolved;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    resolved.push_back(resolve(faults[i], split_mix64(split_mix64(seed) + i)));
  }
  std::stable_sort(resolved.begin(), resolved.end(),
                   [](const Fault& a, const Fault& b) { return a.at < b.at; });
  for (const Fault& fault : resolved) add(fault);
}

Fault FaultSchedule::resolve(Fault fault, std::uint64_t random) const {
  using Kind = Fault::Kind;
  const auto& networks = topology_.profile().networks;
  if (fault.at < Picoseconds::zero()) fail(tuttiInvalidArgument, "a fault before time 0");
  if (fault.kind == Kind::kNode || fault.kind == Kind::kPort) {
    fault.node = choose(fault.node, topology_.nodes(), split_mix64(random + 1), "node");
  }
  if (fault.kind == Kind::kLink || fault.kind == Kind::kRank || is_slowness(fault.kind)) {
    fault.rank = choose(fault.rank, topology_.ranks(), split_mix64(random + 2), "rank");
  }
  if (!is_end(fault.kind) && fault.kind != Kind::kSlowRank) {
    choose(fault.network, static_cast<int>(networks.size()), 0, "network");
    const Network& network = networks[static_cast<std::size_t>(fault.network)];
    fault.plane = choose(fault.plane, network.planes, split_mix64(random + 3), "plane");
    if (fault.kind == Kind::kPort && !network.trunk) {
      fail(tuttiInvalidArgument, "a fault of a port: network '{}' has no trunk", network.name);
    }
  }
  if (is_slowness(fault.kind) && fault.percent < 1) {
    fail(tuttiInvalidArgument, "a slow link or rank of {} percent", fault.percent);
  }
  return fault;
}

void FaultSchedule::add(const Fault& fault) {
  if (fault.kind == Fault::Kind::kSlowLink) {
    slow_links_.push_back(fault);
  } else if (fault.kind == Fault::Kind::kSlowRank) {
    slow_ranks_.push_back(fault);
  } else {
    // The loss of a rank is noticed by the slowest of its networks.
    Picoseconds detection{};
    const auto& networks = topology_.profile().networks;
    for (std::size_t n = 0; n < networks.size(); ++n) {
      if (is_end(fault.kind) || static_cast<int>(n) == fault.network) {
        detection = std::max(detection, nanoseconds(networks[n].detection_ns));
      }
    }
    outages_.push_back({fault, fault.at + detection});
  }
}

bool FaultSchedule::any_port_fails(int network) const noexcept {
  return std::any_of(outages_.begin(), outages_.end(), [&](const Outage& outage) {
    return outage.fault.kind == Fault::Kind::kPort && outage.fault.network == network;
  });
}

bool FaultSchedule::takes_plane(const Outage& outage, const Route& route) const {
  const Fault& fault = outage.fault;
  if (is_end(fault.kind) || fault.network != route.network) return false;
  const int from = topology_.node_of(route.from);
  const int to = topology_.node_of(route.to);
  switch (fault.kind) {
    case Fault::Kind::kLink:
      return fault.rank == route.from || fault.rank == route.to;
    case Fault::Kind::kPort:
      return from != to && (fault.node == from || fault.node == to);
    default:
      return true;
  }
}

bool FaultSchedule::takes_end(const Outage& outage, const Route& route) const {
  return takes_rank(outage.fault, route.from) || takes_rank(outage.fault, route.to);
}

bool FaultSchedule::takes_rank(const Fault& fault, int rank) const {
  return fault.kind == Fault::Kind::kRank
             ? fault.rank == rank
             : fault.kind == Fault::Kind::kNode && fault.node == topology_.node_of(rank);
}

std::optional<FaultSchedule::End> FaultSchedule::end_of(int rank) const {
  for (const Outage& outage : outages_) {
    if (takes_rank(outage.fault, rank)) {
      return End{outage.fault.kind, outage.fault.at, outage.detected};
    }
  }
  return std::nullopt;
}

bool FaultSchedule::reachable(const Route& route, Picoseconds when) const {
  return std::none_of(outages_.begin(), outages_.end(), [&](const Outage& outage) {
    return outage.detected <= when && takes_end(outage, route);
  });
}

PlaneSet FaultSchedule::usable(const Route& route, Picoseconds when) const {
  const Network& network = topology_.profile().networks[static_cast<std::size_t>(route.network)];
  PlaneSet planes = all_planes(network.planes);
  for (const Outage& outage : outages_) {
    if (outage.detected <= when && takes_plane(outage, route)) {
      planes &= ~plane_bit(outage.fault.plane);
    }
  }
  return planes;
}

PlaneSet FaultSchedule::usable_links(int network, int rank, Picoseconds when) const {
  return usable(Route{.network = network, .from = rank, .to = rank}, when);
}

std::vector<FaultSchedule::Loss> FaultSchedule::losses(const Route& route, PlaneSet planes,
                                                       Picoseconds decided,
                                                       Picoseconds until) const {
  std::vector<Loss> losses;
  for (const Outage& outage : outages_) {
    if (outage.fault.at > until || outage.detected <= decided) continue;
    if (takes_end(outage, route)) {
      return {Loss{.planes = 0, .detected = outage.detected}};
    }
    if (is_end(outage.fault.kind)) continue;
    const PlaneSet hit = planes & plane_bit(outage.fault.plane);
    if (hit == 0 || !takes_plane(outage, route)) continue;
    losses.push_back({.planes = hit, .detected = outage.detected});
    planes &= ~hit;  // what is lost is lost once
  }
  return losses;
}

int FaultSchedule::link_percent(int network, int rank, int plane, Picoseconds when) const {
  int percent = 100;
  for (const Fault& fault : slow_links_) {
    if (fault.at <= when && fault.network == network && fault.rank == rank &&
        fault.plane == plane) {
      percent = fault.percent;
    }
  }
  return percent;
}

int FaultSchedule::slow_core_percent(int rank, Picoseconds when) const {
  int percent = 100;
  for (const Fault& fault : slow_ranks_) {
    if (fault.at <= when && fault.rank == rank) percent = fault.percent;
  }
  return percent;
}

}  // namespace tutti::ub
