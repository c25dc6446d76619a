#include "transports/tcp/endpoint.hpp"

#include <algorithm>

#include "transports/tcp/node.hpp"

namespace tutti::tcp {

Endpoint::Endpoint(Node& node, Rank rank, int ranks)
    : message::Endpoint(node, rank, ranks), node_(node) {}

void Endpoint::meet(std::vector<Peer> peers, std::vector<SocketAddress> addresses, const Key& key) {
  addresses_ = std::move(addresses);
  key_ = derive(key, "tutti: links over TCP");
  const Key name = derive(key, "tutti: the name of a communicator");
  std::copy_n(name.begin(), communicator_.size(), communicator_.begin());
  set_peers(std::move(peers));
}

std::shared_ptr<message::Link> Endpoint::make_link(Rank peer) {
  return node_.link_to(this->peer(peer).node, addresses_[static_cast<std::size_t>(peer)],
                       {.communicator = communicator_,
                        .from = static_cast<std::uint32_t>(rank()),
                        .to = static_cast<std::uint32_t>(peer),
                        .ranks = static_cast<std::uint32_t>(ranks()),
                        .node = node_.id()},
                       key_);
}

}  // namespace tutti::tcp
