// A rank of a communicator on a network: its memory and standing, and how its peers are reached.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <tutti/transport.hpp>
#include <vector>

#include "transports/message/link.hpp"
#include "transports/message/node_id.hpp"
#include "transports/message/port.hpp"
#include "transports/message/standing.hpp"

namespace tutti::message {

class Node;

class Endpoint : public Teller {
 public:
  struct Peer {
    NodeId node{};
    std::uint32_t port = 0;  // its endpoint's number there
  };
  // `node` outlives it.
  Endpoint(Node& node, Rank rank, int ranks);
  virtual ~Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Frames for this endpoint are delivered from now on.
  void ready() noexcept { ready_.store(true, std::memory_order_release); }
  bool is_ready() const noexcept { return ready_.load(std::memory_order_acquire); }

  std::uint32_t number() const noexcept { return number_; }
  void set_number(std::uint32_t number) noexcept { number_ = number; }
  Rank rank() const noexcept { return port_.rank(); }
  int ranks() const noexcept { return port_.ranks(); }
  Port& port() noexcept { return port_; }
  Standing& standing() noexcept { return standing_; }
  const Standing& standing() const noexcept { return standing_; }
  const Peer& peer(Rank rank) const noexcept { return peers_[static_cast<std::size_t>(rank)]; }
  bool knows_peers() const noexcept { return !peers_.empty(); }

  // The way to a peer, connected or about to be.
  Link& link(Rank peer);
  // nullptr: nothing was ever sent there.
  Link* linked(Rank peer) const noexcept {
    // Acquire pairs with the release in keep(), by another stream's thread.
    return links_[static_cast<std::size_t>(peer)].load(std::memory_order_acquire);
  }

  bool tell(Rank peer, const Frame& frame, std::span<const std::byte> content,
            Reach reach) override;

  // kNews.
  void on_news(Rank of, PeerState state, std::span<const std::byte> content);
  // A process is gone, or a port of it.
  void on_node_gone(const NodeId& node, Link::End end, const std::string& why);
  void on_port_gone(const NodeId& node, std::uint32_t port);

 protected:
  // Who the others are; before ready().
  void set_peers(std::vector<Peer> peers) { peers_ = std::move(peers); }
  // One to the peer's process that there is, or a new one.
  virtual std::shared_ptr<Link> make_link(Rank peer) = 0;

 private:
  Link* link_if_any(Rank peer);
  Link& keep(Rank peer, std::shared_ptr<Link> link);

  Node& node_;
  Port port_;
  Standing standing_;
  std::uint32_t number_ = 0;
  std::vector<Peer> peers_;
  std::atomic<bool> ready_{false};
  std::vector<std::atomic<Link*>> links_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Link>> owned_;  // of links_; under mutex_
};

}  // namespace tutti::message
