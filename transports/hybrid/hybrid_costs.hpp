// What things cost where ranks of one host are near each other, and others far.
#pragma once

#include <tutti/transport.hpp>

#include "transports/hybrid/hosts.hpp"

namespace tutti::hybrid {

// The network between hosts as it was measured; the same on every rank.
struct Network {
  double round_trip_ns = 0;  // a small get, there and back
  double bytes_per_ns = 0;   // of each rank, when all ranks send
};

class HybridCosts final : public Costs {
 public:
  // All outlive it. `near`: a path within a host.
  HybridCosts(const Hosts& hosts, const Path& near, const Costs& far)
      : hosts_(hosts), near_(near), far_(far) {}

  // Before it is asked for anything.
  void set(const Network& network) noexcept { network_ = network; }

  Path path(Rank from, Rank to) const noexcept override;
  double work_ns(const LocalWork& work) const noexcept override { return far_.work_ns(work); }
  double post_ns(const Path& path) const noexcept override;
  double issue_ns(std::size_t rows) const noexcept override { return far_.issue_ns(rows); }

 private:
  const Hosts& hosts_;
  const Path near_;
  const Costs& far_;
  Network network_;
};

}  // namespace tutti::hybrid
