// Who was before whom at a port: what a queue was for.
#pragma once

#include <cstdint>
#include <vector>

#include "transports/ub/bus/run_record.hpp"
#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

enum class PortEnd : std::uint8_t { kEgress, kIngress };

// Of the ports that serve one transfer after another: level `message`, where a network is one port
// of all its planes. `record` and `topology` outlive it.
class PortOrder {
 public:
  PortOrder(const RunRecord& record, const Topology& topology);

  // The transfer with which the port became busy for which `transfer` had to wait: all that came
  // between them followed each other. `transfer` itself where it did not wait, or nobody knows for
  // whom.
  std::uint32_t first_of_queue(std::uint32_t transfer, PortEnd end) const;

 private:
  using Before = std::vector<std::uint32_t>;  // [transfer]; kNoRecord: none, or not known

  const FabricPath& path_of(const RecordedTransfer& transfer) const noexcept;
  bool queued(const RecordedTransfer& transfer, PortEnd end) const noexcept;
  Before order(PortEnd end) const;

  const RunRecord& record_;
  const Topology& topology_;
  Before at_egress_;
  Before at_ingress_;
};

}  // namespace tutti::ub
