#include "transports/tcp/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "transports/tcp/link.hpp"
#include "transports/tcp/node.hpp"

namespace tutti::tcp {

Endpoint::Endpoint(Node& node, Rank rank, int ranks)
    : node_(node),
      port_(rank, ranks, node.poller()),
      standing_(port_, *this),
      links_(static_cast<std::size_t>(ranks)) {}

void Endpoint::meet(std::vector<Peer> peers, const Key& key) {
  peers_ = std::move(peers);
  key_ = derive(key, "tutti: links over TCP");
  const Key name = derive(key, "tutti: the name of a communicator");
  std::copy_n(name.begin(), communicator_.size(), communicator_.begin());
}

Link& Endpoint::link(Rank peer) {
  if (Link* const link = linked(peer)) return *link;
  const Peer& there = this->peer(peer);
  return keep(peer, node_.link_to(there.node, there.address,
                                  {.communicator = communicator_,
                                   .from = static_cast<std::uint32_t>(rank()),
                                   .to = static_cast<std::uint32_t>(peer),
                                   .ranks = static_cast<std::uint32_t>(ranks()),
                                   .node = node_.id()},
                                  key_));
}

Link* Endpoint::link_if_any(Rank peer) {
  if (Link* const link = linked(peer)) return link;
  std::shared_ptr<Link> link = node_.find_link(this->peer(peer).node);
  return link ? &keep(peer, std::move(link)) : nullptr;
}

// Once for a peer: a closed link is as good as none, since the peer is dead.
Link& Endpoint::keep(Rank peer, std::shared_ptr<Link> link) {
  const std::lock_guard lock(mutex_);
  if (Link* const kept = linked(peer)) return *kept;
  owned_.push_back(std::move(link));
  links_[static_cast<std::size_t>(peer)].store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

bool Endpoint::tell(Rank peer, const message::Frame& frame, std::span<const std::byte> content,
                    Reach reach) {
  if (!knows_peers()) return false;
  Link* const link = reach == Reach::kAnyhow ? &this->link(peer) : link_if_any(peer);
  if (link == nullptr) return false;
  message::Frame sent = frame;
  sent.port = this->peer(peer).port;
  sent.rank = static_cast<std::uint32_t>(rank());
  message::FrameBytes head;
  encode(sent, head);
  link->send(head, std::vector<std::byte>(content.begin(), content.end()));
  return true;
}

void Endpoint::on_news(Rank of, PeerState state, std::span<const std::byte> content) {
  // Behind what a dead process has sent comes the end of its link.
  if (state == PeerState::kDead && node_.poller().link_of(peer(of).node)) return;
  standing_.on_news(of, state, content);
}

void Endpoint::on_node_gone(const NodeId& node, Link::End end, const std::string& why) {
  if (!is_ready()) return;
  for (Rank peer = 0; peer < ranks(); ++peer) {
    if (peer == rank() || this->peer(peer).node != node) continue;
    const bool there = standing_.state(peer) == PeerState::kAlive && !standing_.has_left();
    if (there && end == Link::End::kUnreachable) {
      standing_.propose(Error(
          tuttiRemoteError,
          fmt::format("rank {} is unreachable from rank {}: {} (transport tcp)", peer, rank(), why),
          {peer}));
    } else if (there && end == Link::End::kBroken) {
      standing_.propose(
          Error(tuttiSystemError,
                fmt::format("rank {} has no connection to rank {}: {} (transport tcp)", rank(),
                            peer, why),
                {peer}));
    }
    standing_.mark(peer, PeerState::kDead);
  }
}

void Endpoint::on_port_gone(const NodeId& node, std::uint32_t port) {
  if (!is_ready()) return;
  for (Rank peer = 0; peer < ranks(); ++peer) {
    if (peer != rank() && this->peer(peer).node == node && this->peer(peer).port == port) {
      standing_.mark(peer, PeerState::kLeft);
    }
  }
}

}  // namespace tutti::tcp
