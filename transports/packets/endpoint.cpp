#include "transports/packets/endpoint.hpp"

#include <algorithm>
#include <map>

#include "transports/message/frame.hpp"
#include "transports/packets/node.hpp"

namespace tutti::packets {

namespace {

// Of a process's packets to another one. Processes have another id each, so that a token is of no
// use to anybody else, nor later.
std::uint64_t token_of(const Key& key, const NodeId& from, const NodeId& to) {
  const Key code = authenticate(key, {from, to});
  return message::decode_word(std::span(code).first<8>());
}

}  // namespace

Endpoint::Endpoint(Node& node, Rank rank, int ranks)
    : message::Endpoint(node, rank, ranks), node_(node) {}

Endpoint::~Endpoint() {
  node_.forget(known_);
  if (!port().control().empty()) node_.regions().undeclare(port().control());
}

void Endpoint::meet(std::vector<Peer> peers, std::vector<Place> places, const Key& key) {
  const Key tokens = derive(key, "tutti: tokens of packets");
  places_ = std::move(places);
  std::map<NodeId, std::uint64_t> made;
  for (std::size_t peer = 0; peer < peers.size(); ++peer) {
    const NodeId& there = peers[peer].node;
    const auto [entry, is_new] = made.try_emplace(there, 0);
    if (is_new) entry->second = token_of(tokens, node_.node_id(), there);
    tokens_.push_back(entry->second);
    if (!is_new) continue;
    known_.push_back(token_of(tokens, there, node_.node_id()));
    node_.expect(known_.back(), {.node = there,
                                 .address = places_[peer].address,
                                 .token = entry->second,
                                 .pid = places_[peer].pid});
  }
  set_peers(std::move(peers));
}

std::shared_ptr<message::Link> Endpoint::make_link(Rank peer) {
  const Place& place = places_[static_cast<std::size_t>(peer)];
  return node_.link_to({.node = this->peer(peer).node,
                        .address = place.address,
                        .token = tokens_[static_cast<std::size_t>(peer)],
                        .pid = place.pid});
}

}  // namespace tutti::packets
