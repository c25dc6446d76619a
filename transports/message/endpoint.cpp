#include "transports/message/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "transports/message/link.hpp"
#include "transports/message/node.hpp"

namespace tutti::message {

Endpoint::Endpoint(Node& node, Rank rank, int ranks)
    : node_(node),
      port_(rank, ranks, node.mover()),
      standing_(port_, *this),
      links_(static_cast<std::size_t>(ranks)) {}

Link& Endpoint::link(Rank peer) {
  if (Link* const link = linked(peer)) return *link;
  return keep(peer, make_link(peer));
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

bool Endpoint::tell(Rank peer, const Frame& frame, std::span<const std::byte> content,
                    Reach reach) {
  if (!knows_peers()) return false;
  Link* const link = reach == Reach::kAnyhow ? &this->link(peer) : link_if_any(peer);
  if (link == nullptr) return false;
  Frame sent = frame;
  sent.port = this->peer(peer).port;
  sent.rank = static_cast<std::uint32_t>(rank());
  FrameBytes head;
  encode(sent, head);
  link->send(head, std::vector<std::byte>(content.begin(), content.end()));
  // A connection that has only begun may come to nothing.
  return link->is_open();
}

void Endpoint::on_news(Rank of, PeerState state, std::span<const std::byte> content) {
  // Behind what a dead process has sent comes the end of its link.
  if (state == PeerState::kDead && node_.open_link_to(peer(of).node)) return;
  standing_.on_news(of, state, content);
}

void Endpoint::on_node_gone(const NodeId& node, Link::End end, const std::string& why) {
  if (!is_ready()) return;
  for (Rank peer = 0; peer < ranks(); ++peer) {
    if (peer == rank() || this->peer(peer).node != node) continue;
    const bool there = standing_.state(peer) == PeerState::kAlive && !standing_.has_left();
    if (there && end == Link::End::kUnreachable) {
      standing_.propose(Error(tuttiRemoteError,
                              fmt::format("rank {} is unreachable from rank {}: {} (transport {})",
                                          peer, rank(), why, node_.transport()),
                              {peer}));
    } else if (there && end == Link::End::kBroken) {
      standing_.propose(Error(tuttiSystemError,
                              fmt::format("rank {} has no connection to rank {}: {} (transport {})",
                                          rank(), peer, why, node_.transport()),
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

}  // namespace tutti::message
