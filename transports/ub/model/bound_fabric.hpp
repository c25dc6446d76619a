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
  // A port's latest work without a pause: all of it could be there at `since`, nothing before.
  struct Port {
    Picoseconds since{};
    Picoseconds done{};
  };
  // When the port has done all that, and this, which could be there at `earliest`. Who posts ahead
  // of its turn comes before what can be there sooner; such work is added where the bound is then
  // later, and left out where it would only pretend that the port had been waiting for it.
  static Picoseconds work(Port& port, Picoseconds earliest, Picoseconds busy) {
    if (earliest > port.done) {
      port = {earliest, earliest + busy};
    } else if (earliest >= port.since) {
      port.done += busy;
    } else if (const Picoseconds done = earliest + (port.done - port.since) + busy;
               done > port.done) {
      port = {earliest, done};
    } else {
      return earliest + busy;
    }
    return port.done;
  }

  const Topology& topology_;
  TransferSink& sink_;
  std::vector<Shortest> shortest_;  // [network]: over all paths
  std::vector<Port> egress_;        // [network][rank]
  std::vector<Port> ingress_;
  std::vector<Port> memories_;  // [rank]
  Picoseconds latest_{};
};

}  // namespace tutti::ub
