// How long the ports are busy with some of the transfers: what a part of a run asks of the fabric.
#pragma once

#include <vector>

#include "transports/ub/model/fabric.hpp"

namespace tutti::ub {

// Effective bandwidths only: no latency, no order, no cores; faults are left out.
class PortSums {
 public:
  explicit PortSums(const Topology& topology);  // which outlives it

  void add(const Transfer& transfer);
  // The time for which the busiest port, or memory, serves these transfers.
  Picoseconds busiest() const noexcept;
  void clear() noexcept;

 private:
  const Topology& topology_;
  std::vector<Picoseconds> busy_;  // [2 * network + (is it the ingress)][rank]; memories at the end
};

}  // namespace tutti::ub
