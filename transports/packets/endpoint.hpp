// A rank of a communicator on such a network: where its peers' processes are, and the tokens by
// which packets show that their sender is in the communicator.
#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "bootstrap/key.hpp"
#include "transports/message/endpoint.hpp"

namespace tutti::packets {

class Node;

class Endpoint final : public message::Endpoint {
 public:
  struct Place {
    std::vector<std::byte> address;
    pid_t pid = 0;  // of another process of this host
  };

  // `node` outlives it.
  Endpoint(Node& node, Rank rank, int ranks);
  ~Endpoint() override;

  // Who the others are and where, by rank; before ready().
  void meet(std::vector<Peer> peers, std::vector<Place> places, const Key& key);

 private:
  std::shared_ptr<message::Link> make_link(Rank peer) override;

  Node& node_;
  std::vector<Place> places_;
  std::vector<std::uint64_t> tokens_;  // by rank: of packets to its process
  std::vector<std::uint64_t> known_;   // of packets to this process
};

}  // namespace tutti::packets
