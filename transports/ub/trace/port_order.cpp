#include "transports/ub/trace/port_order.hpp"

#include <algorithm>

namespace tutti::ub {

namespace {

Picoseconds begin_at(const RecordedTransfer& transfer, PortEnd end) {
  return end == PortEnd::kEgress ? transfer.egress : transfer.ingress;
}

}  // namespace

PortOrder::PortOrder(const RunRecord& record, const Topology& topology)
    : record_(record),
      topology_(topology),
      at_egress_(order(PortEnd::kEgress)),
      at_ingress_(order(PortEnd::kIngress)) {}

const FabricPath& PortOrder::path_of(const RecordedTransfer& transfer) const noexcept {
  const bool reads = transfer.reads();
  return topology_.path(reads ? transfer.to : transfer.from, reads ? transfer.from : transfer.to,
                        reads ? Direction::kRead : Direction::kWrite);
}

PortOrder::Before PortOrder::order(PortEnd end) const {
  const auto& transfers = record_.transfers();
  const std::vector<Network>& networks = topology_.profile().networks;
  const auto ranks = static_cast<std::size_t>(topology_.ranks());
  std::vector<std::vector<std::uint32_t>> ports(networks.size() * ranks);
  for (std::uint32_t i = 0; i < transfers.size(); ++i) {
    const RecordedTransfer& transfer = transfers[i];
    if (begin_at(transfer, end) == RecordedTransfer::kNot) continue;
    const int network = path_of(transfer).network;
    if (network < 0) continue;
    const auto index = static_cast<std::size_t>(network);
    const Spraying spraying = networks[index].spraying;
    if (spraying != Spraying::kSummed && spraying != Spraying::kPerCell) continue;
    const int rank = end == PortEnd::kEgress ? transfer.from : transfer.to;
    ports[index * ranks + static_cast<std::size_t>(rank)].push_back(i);
  }
  Before before(transfers.size(), kNoRecord);
  for (std::vector<std::uint32_t>& port : ports) {
    std::sort(port.begin(), port.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(begin_at(transfers[a], end), a) < std::pair(begin_at(transfers[b], end), b);
    });
    for (std::size_t i = 1; i < port.size(); ++i) before[port[i]] = port[i - 1];
  }
  return before;
}

bool PortOrder::queued(const RecordedTransfer& transfer, PortEnd end) const noexcept {
  const FabricPath& path = path_of(transfer);
  if (end == PortEnd::kEgress) return transfer.egress > transfer.first_issue + path.before_port;
  // A thin trunk may have been what held it up.
  const bool trunk = topology_.trunk_limits(path.network) &&
                     topology_.node_of(transfer.from) != topology_.node_of(transfer.to);
  return !trunk && transfer.ingress > transfer.egress + path.flight;
}

std::uint32_t PortOrder::first_of_queue(std::uint32_t transfer, PortEnd end) const {
  const Before& before = end == PortEnd::kEgress ? at_egress_ : at_ingress_;
  while (before[transfer] != kNoRecord && queued(record_.transfers()[transfer], end)) {
    transfer = before[transfer];
  }
  return transfer;
}

}  // namespace tutti::ub
