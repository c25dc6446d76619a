#include "transports/ub/model/bound_fabric.hpp"

#include <algorithm>

namespace tutti::ub {

BoundFabric::BoundFabric(const Topology& topology, TransferSink& sink)
    : topology_(topology), sink_(sink), shortest_(topology.profile().networks.size()) {
  const auto ranks = static_cast<std::size_t>(topology.ranks());
  egress_.resize(shortest_.size() * ranks);
  ingress_.resize(egress_.size());
  memories_.resize(ranks);
  for (int i = 0; i < topology.paths(); ++i) {
    const FabricPath& path = topology.path(i);
    if (path.network < 0) continue;
    Shortest& shortest = shortest_[static_cast<std::size_t>(path.network)];
    shortest.before_port = std::min(shortest.before_port, path.before_port);
    shortest.flight = std::min(shortest.flight, path.flight);
  }
}

void BoundFabric::start(Picoseconds at, const Transfer& transfer) {
  check_transfer(topology_, transfer);
  const FabricPath& path = topology_.path(transfer.rank, transfer.peer, transfer.direction);
  const Picoseconds busy = path.port.time(transfer.bytes);
  const Picoseconds alone = at + path.before_port + path.flight + busy;
  const auto rank = static_cast<std::size_t>(transfer.rank);
  const auto peer = static_cast<std::size_t>(transfer.peer);
  Picoseconds left{};
  Picoseconds arrived{};
  if (path.network < 0) {
    left = arrived = work(memories_[rank], at + path.before_port, busy);
  } else {
    const auto network = static_cast<std::size_t>(path.network);
    const Shortest& shortest = shortest_[network];
    const std::size_t first = network * memories_.size();
    const bool reads = transfer.direction == Direction::kRead;
    const Picoseconds ready = at + shortest.before_port;
    const Picoseconds out = work(egress_[first + (reads ? peer : rank)], ready, busy);
    const Picoseconds in =
        work(ingress_[first + (reads ? rank : peer)], ready + shortest.flight, busy);
    left = std::max(out, alone - path.flight);
    arrived = std::max({alone, out + shortest.flight, in});
  }
  latest_ = std::max(latest_, arrived);
  sink_.left(transfer.tag, left);
  sink_.arrived(transfer.tag, arrived);
}

}  // namespace tutti::ub
