// The faults of a run, with everything that was left open chosen, and what they do to a route at a
// time. Until a failure is detected its victims are still used, and what is under way there is
// lost.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

using PlaneSet = std::uint64_t;  // bit p: plane p

class FaultSchedule {
 public:
  struct Route {
    int network = 0;
    int from = 0;  // rank
    int to = 0;
  };
  // Something under way was lost.
  struct Loss {
    PlaneSet planes = 0;  // on these; none: an end is gone, and everything is lost
    Picoseconds detected{};
  };

  // Throws tuttiInvalidArgument for a fault of what the run does not have.
  FaultSchedule(const Topology& topology, const std::vector<Fault>& faults, std::uint64_t seed);

  // Nothing ever fails or slows a link: every question below has the same answer at any time.
  bool quiet() const noexcept { return outages_.empty() && slow_links_.empty(); }
  bool any_port_fails(int network) const noexcept;

  // The failure of a rank or its node, and when it is noticed.
  struct End {
    Fault::Kind of = Fault::Kind::kRank;  // or kNode
    Picoseconds at{};
    Picoseconds detected{};
  };
  std::optional<End> end_of(int rank) const;

  // Are both ends there, as far as is known at `when`?
  bool reachable(const Route& route, Picoseconds when) const;
  // The planes that are not known to be down: for both ends, or for the links of one rank.
  PlaneSet usable(const Route& route, Picoseconds when) const;
  PlaneSet usable_links(int network, int rank, Picoseconds when) const;
  // What is lost of bytes sent on `planes` by who decided so at `decided`, and arriving by `until`.
  std::vector<Loss> losses(const Route& route, PlaneSet planes, Picoseconds decided,
                           Picoseconds until) const;

  // Bandwidth of a rank's link to a plane.
  int link_percent(int network, int rank, int plane, Picoseconds when) const;
  // How long a rank's cores take for what takes others 100.
  int core_percent(int rank, Picoseconds when) const {
    return slow_ranks_.empty() ? 100 : slow_core_percent(rank, when);
  }

 private:
  struct Outage {
    Fault fault;
    Picoseconds detected{};
  };

  Fault resolve(Fault fault, std::uint64_t random) const;
  void add(const Fault& fault);
  bool takes_plane(const Outage& outage, const Route& route) const;
  bool takes_end(const Outage& outage, const Route& route) const;
  bool takes_rank(const Fault& fault, int rank) const;
  int slow_core_percent(int rank, Picoseconds when) const;

  const Topology& topology_;
  std::vector<Outage> outages_;    // by time
  std::vector<Fault> slow_links_;  // by time; the last that applies counts
  std::vector<Fault> slow_ranks_;
};

}  // namespace tutti::ub
