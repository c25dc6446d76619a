// This process on the network: its doors, its links, its ranks, and the thread that all of them
// have.
//
// Locks come in the order of message::Node; the last is Poller's of links.
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
#include "transports/message/node.hpp"
#include "transports/tcp/call.hpp"
#include "transports/tcp/door.hpp"
#include "transports/tcp/endpoint.hpp"
#include "transports/tcp/link.hpp"
#include "transports/tcp/poller.hpp"
#include "transports/tcp/silence_watch.hpp"

namespace tutti::tcp {

class Node final : public message::Node, private Door::Host {
 public:
  // Made at first use; lives until the process ends. tuttiSystemError where there is no thread for
  // it. A forked child has one of its own.
  static Node& of_this_process();

  // For NodeOfProcess. A child closes the sockets that it has inherited, so that the parent's death
  // closes the connections.
  static std::unique_ptr<Node> make();
  void before_fork() { poller_.before_fork(); }
  void in_parent() { poller_.in_parent(); }
  void in_child() noexcept;

  Node();
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const NodeId& id() const noexcept override { return node_id(); }
  std::string_view transport() const noexcept override { return "tcp"; }

  // Where other processes may come in from then on, until the process ends: at an address of this
  // host, or, with nullptr, on loopback. tuttiSystemError where there is no port.
  SocketAddress listen(const SocketAddress* where);

  // The link to another process, or to this one: one that there is, or a new one.
  std::shared_ptr<Link> link_to(const NodeId& node, const SocketAddress& address,
                                const Introduction& introduction, const Key& key);

  std::shared_ptr<message::Link> find_link(const NodeId& node) override;
  std::shared_ptr<message::Link> open_link_to(const NodeId& node) override {
    return poller_.link_of(node);
  }

  Poller& poller() noexcept { return poller_; }
  message::Mover& mover() noexcept override { return poller_; }

 private:
  void run();

  std::vector<std::shared_ptr<message::Link>> open_links() override;
  void on_change() noexcept override { poller_.on_change(); }
  void run_later(std::function<void()> work) override;

  // The rank that the visitor wants, if it may; else why not.
  std::shared_ptr<message::Endpoint> wanted_by(const Introduction& said, Refusal& refusal);
  std::optional<Key> key_for(const Introduction& said, Refusal& refusal) override;
  Refusal admit(const Introduction& said) override;
  void dismiss(const Introduction& said) noexcept override;
  void welcome(const Introduction& said, Descriptor socket) override;

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

  boost::asio::io_context io_{1};
  Poller poller_;
  SilenceWatch silence_{io_, poller_};
  std::deque<Waiting> waiting_;  // calls that begin when others have ended; of the node's thread

  std::mutex mutex_;                                 // everything below
  std::map<NodeId, std::shared_ptr<Link>> by_node_;  // what this process sends on
  std::set<NodeId> called_;                          // whom this process is calling
  std::set<NodeId> visitors_;                        // admitted, and not yet welcomed
  std::list<Door> doors_;                            // one an address

  std::thread thread_;
};

}  // namespace tutti::tcp
