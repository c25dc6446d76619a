// Level `bound`: no port is ever idle while it has work. No other level is faster, over all
// transfers; faults, planes, trunks and the cores' issue are left out.
#pragma once

#include <vector>

#include "transports/ub/model/fabric.hpp"

namespace tutti::ub {

// In closed form and at once: left() and arrived() are called from start(). Can also stand beside
// another level that is given the same transfers.
class BoundFabric final : public Fabric {
 public:
  BoundFabric(const Topology& topology, TransferSink& sink);

  void start(Picoseconds at, const Transfer& transfer) override;

  // No level has all arrivals of the transfers so far before this.
  Picoseconds latest() const noexcept { return latest_; }

 private:
  struct Shortest {
    Picoseconds before_port = Picoseconds::max();
    Picoseconds flight = Picoseconds::max();
  };
  // A port's work so far, done without a pause since something could first be there.
  static Picoseconds work(Picoseconds& done, Picoseconds earliest, Picoseconds busy) {
    done = (done < earliest ? earliest : done) + busy;
    return done;
  }

  const Topology& topology_;
  TransferSink& sink_;
  std::vector<Shortest> shortest_;   // [network]: over all paths
  std::vector<Picoseconds> egress_;  // [network][rank]
  std::vector<Picoseconds> ingress_;
  std::vector<Picoseconds> memories_;  // [rank]
  Picoseconds latest_{};
};

}  // namespace tutti::ub
