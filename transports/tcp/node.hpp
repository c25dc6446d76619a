// This process on the network: its doors, its links, its ranks, and the thread that all of them
// have.
//
// Locks, in the order in which they are taken: Poller's of polling, Link's, Standing's, Endpoint's,
// Node's, Poller's of links.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "bootstrap/listener.hpp"
#include "transports/tcp/call.hpp"
#include "transports/tcp/door.hpp"
#include "transports/tcp/endpoint.hpp"
#include "transports/tcp/link.hpp"
#include "transports/tcp/node_id.hpp"
#include "transports/tcp/poller.hpp"

namespace tutti::tcp {

class Node final : private Door::Host {
 public:
  // Made at first use; lives until the process ends. tuttiSystemError where there is no thread for
  // it. A forked child has one of its own.
  static Node& of_this_process();

  Node();
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const NodeId& id() const noexcept override { return id_; }

  // Where other processes may come in from then on, until the process ends: at an address of this
  // host, or, with nullptr, on loopback. tuttiSystemError where there is no port.
  SocketAddress listen(const SocketAddress* where);

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
  std::shared_ptr<Link> link_to(const NodeId& node, const SocketAddress& address,
                                const Introduction& introduction, const Key& key);

  // The one that there is, if there is one.
  std::shared_ptr<Link> find_link(const NodeId& node);

  Poller& poller() noexcept { return poller_; }

  // For links.
  void on_closed(Link& link, Link::End end, const std::string& why);
  void on_news();
  void on_port_gone(const NodeId& node, std::uint32_t port);
  // A put of that endpoint reads memory that is not there.
  void on_unreadable(std::uint32_t number);

 private:
  class Owner;
  void close_inherited() noexcept;
  void run();

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
    SocketAddress address;
    Introduction introduction;
    Key key{};
    Nanoseconds until{};  // when calls that are interrupted are given up; 0: none has begun
  };
  struct Waiting {
    std::shared_ptr<Link> link;
    Callee callee;
  };
  void call(const std::shared_ptr<Link>& link, Callee callee);
  void on_called(const std::shared_ptr<Link>& link, const Callee& callee, Descriptor socket,
                 const Call::Failure& why);
  void call_next();
  void call_later(const std::shared_ptr<Link>& link, const Callee& callee, Nanoseconds pause);
  void open_link(const std::shared_ptr<Link>& link, Descriptor socket);

  NodeId id_;
  boost::asio::io_context io_{1};
  Poller poller_;
  std::deque<Waiting> waiting_;  // calls that begin when others have ended; of the node's thread

  std::mutex mutex_;                                 // everything below
  std::map<NodeId, std::shared_ptr<Link>> by_node_;  // what this process sends on
  std::set<NodeId> called_;                          // whom this process is calling
  std::set<NodeId> visitors_;                        // admitted, and not yet welcomed
  std::map<std::uint32_t, std::shared_ptr<Endpoint>> endpoints_;
  std::uint32_t last_number_ = 0;
  std::list<Door> doors_;  // one an address

  std::thread thread_;
};

}  // namespace tutti::tcp
