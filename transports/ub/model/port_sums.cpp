#include "transports/ub/model/port_sums.hpp"

#include <algorithm>

namespace tutti::ub {

PortSums::PortSums(const Topology& topology)
    : topology_(topology),
      busy_((2 * topology.profile().networks.size() + 1) *
            static_cast<std::size_t>(topology.ranks())) {}

void PortSums::add(const Transfer& transfer) {
  const FabricPath& path = topology_.path(transfer.rank, transfer.peer, transfer.direction);
  const auto ranks = static_cast<std::size_t>(topology_.ranks());
  const Picoseconds busy = path.port.time(transfer.bytes);
  if (path.network < 0) {
    busy_[busy_.size() - ranks + static_cast<std::size_t>(transfer.rank)] += busy;
    return;
  }
  const bool reads = transfer.direction == Direction::kRead;
  const auto source = static_cast<std::size_t>(reads ? transfer.peer : transfer.rank);
  const auto destination = static_cast<std::size_t>(reads ? transfer.rank : transfer.peer);
  const std::size_t egress = 2 * static_cast<std::size_t>(path.network) * ranks;
  busy_[egress + source] += busy;
  busy_[egress + ranks + destination] += busy;
}

Picoseconds PortSums::busiest() const noexcept { return *std::ranges::max_element(busy_); }

void PortSums::clear() noexcept { std::ranges::fill(busy_, Picoseconds::zero()); }

}  // namespace tutti::ub
