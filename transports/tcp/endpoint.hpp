// A rank of a communicator on TCP: where its peers listen, and what they show each other.
#pragma once

#include <memory>
#include <vector>

#include "bootstrap/listener.hpp"
#include "transports/message/endpoint.hpp"
#include "transports/tcp/handshake.hpp"

namespace tutti::tcp {

class Node;

class Endpoint final : public message::Endpoint {
 public:
  // `node` outlives it.
  Endpoint(Node& node, Rank rank, int ranks);

  // Who the others are and where, by rank; before ready().
  void meet(std::vector<Peer> peers, std::vector<SocketAddress> addresses, const Key& key);

  const CommunicatorId& communicator() const noexcept { return communicator_; }
  const Key& key() const noexcept { return key_; }

 private:
  std::shared_ptr<message::Link> make_link(Rank peer) override;

  Node& node_;
  std::vector<SocketAddress> addresses_;
  Key key_{};
  CommunicatorId communicator_{};
};

}  // namespace tutti::tcp
