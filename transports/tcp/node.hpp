// This process on the network: its door, its links, its ranks, and who moves their frames.
//
// Frames move while somebody polls. A rank that waits polls itself, and while it sleeps it sleeps on
// the links (the leader; other threads that sleep do so on their doorbells, which it rings). When
// none does - ranks compute - the node's thread takes over: so a peer never waits for a rank to come
// back into the library. As long as ranks poll, the thread only looks now and then whether they
// still do: waking it for each message would cost more than the message.
//
// Locks, in the order in which they are taken: polling_, Link's, Standing's, Endpoint's, mutex_.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "transports/message/ringer.hpp"
#include "transports/tcp/address.hpp"
#include "transports/tcp/door.hpp"
#include "transports/tcp/endpoint.hpp"
#include "transports/tcp/link.hpp"

namespace tutti::tcp {

class Node final : public message::Ringer, private Door::Host {
 public:
  // Made at first use; lives until the process ends. tuttiSystemError where there is no port or
  // thread for it. A forked child has one of its own.
  static Node& of_this_process();

  Node();
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const NodeId& id() const noexcept override { return id_; }
  const Address& address() const noexcept { return door_.address(); }

  // Gives the endpoint its number.
  void add(const std::shared_ptr<Endpoint>& endpoint);
  // The rank has left: when it returns, nothing of its user's memory is read or written any more.
  // Peers may still read its control segment, as long as one of them is there.
  void release(const std::shared_ptr<Endpoint>& endpoint);
  // Nobody has heard of it.
  void remove(const Endpoint& endpoint);
  // nullptr: there is none of that number, or it is not ready.
  std::shared_ptr<Endpoint> endpoint(std::uint32_t number);

  // The link to another process, or to this one: one that there is, or a new one.
  std::shared_ptr<Link> link_to(const NodeId& node, const Address& address,
                                const Introduction& introduction, const Key& key);

  // The one that there is, if there is one.
  std::shared_ptr<Link> find_link(const NodeId& node);

  // Moves what can be moved. From any thread.
  void poll() noexcept;
  // As Transport::sleep.
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept;
  void ring(Doorbell& bell) noexcept override;

  // Ranks share cores: the node's thread looks less often.
  void set_crowded() noexcept { crowded_.store(true, std::memory_order_relaxed); }

  // Is there anything that a socket has not taken yet?
  bool has_backlog() const noexcept { return waiting_links_.load(std::memory_order_relaxed) > 0; }
  void count_waiting(int change) noexcept {
    waiting_links_.fetch_add(change, std::memory_order_relaxed);
  }

  // For links: whether the node should be told when the socket takes more.
  void watch(Link& link, bool want_to_write) noexcept;
  void on_closed(Link& link, Link::End end, const std::string& why);
  // Connected to that process, whoever began it; nullptr: there is none.
  std::shared_ptr<Link> open_link_of(const NodeId& node);
  void on_news();
  void on_port_gone(const NodeId& node, std::uint32_t port);
  // A put of that endpoint reads memory that is not there.
  void on_unreadable(std::uint32_t number);

 private:
  class Owner;
  void close_inherited() noexcept;

  std::optional<Key> key_for(const Introduction& said, Refusal& refusal) override;
  Refusal admit(const Introduction& said) override;
  void dismiss(const Introduction& said) noexcept override;
  void welcome(const Introduction& said, Descriptor socket) override;

  std::vector<std::shared_ptr<Endpoint>> endpoints();
  // Those that are of no use to anybody any more go.
  void prune();
  bool has_released();
  struct Callee {
    NodeId node{};
    Address address;
    Introduction introduction;
    Key key{};
  };
  void call(const std::shared_ptr<Link>& link, const Callee& callee);
  void call_later(const std::shared_ptr<Link>& link, const Callee& callee);
  bool is_visited_by(const NodeId& node);
  void open_link(const std::shared_ptr<Link>& link, Descriptor socket);
  void take_in(bool all);  // polling_ held
  void renew_polled();     // polling_ held
  bool take_ready();       // polling_ held; was there anything?
  void watch_links();
  void nap();
  bool is_polled() noexcept;
  void drain_wake() noexcept;

  NodeId id_;
  boost::asio::io_context io_{1};
  Door door_;
  Descriptor epoll_;
  Descriptor wake_;  // an eventfd: rouses the leader
  boost::asio::posix::stream_descriptor ready_;
  boost::asio::steady_timer pause_;

  std::mutex polling_;
  std::vector<std::shared_ptr<Link>> polled_;  // under polling_
  std::atomic<bool> links_changed_{false};

  std::atomic<std::uint64_t> polls_{0};
  std::uint64_t polls_seen_ = 0;  // by the node's thread
  std::atomic<int> waiting_links_{0};  // with frames that their sockets have not taken
  std::atomic<bool> crowded_{false};
  std::atomic<bool> leading_{false};
  std::atomic<Doorbell*> leader_bell_{nullptr};
  std::mutex following_;
  std::vector<Doorbell*> followers_;  // under following_

  std::mutex mutex_;  // everything below
  std::vector<std::shared_ptr<Link>> links_;              // all that are not closed
  std::map<NodeId, std::shared_ptr<Link>> by_node_;       // what this process sends on
  std::set<NodeId> visitors_;  // who has been admitted, and not yet welcomed
  std::map<std::uint32_t, std::shared_ptr<Endpoint>> endpoints_;
  std::uint32_t last_number_ = 0;

  std::thread thread_;
};

}  // namespace tutti::tcp
