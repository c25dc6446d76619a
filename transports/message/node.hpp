// This process on a network: the ranks that it has there, and what they and the links ask of it. A
// network adds its links and who moves their frames.
//
// Locks, in the order in which they are taken: the mover's of polling, Link's, Standing's,
// Endpoint's, the network's own, Node's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "transports/message/endpoint.hpp"
#include "transports/message/link.hpp"
#include "transports/message/mover.hpp"
#include "transports/message/node_id.hpp"

namespace tutti::message {

class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const NodeId& node_id() const noexcept { return id_; }
  // What it is called in messages.
  virtual std::string_view transport() const noexcept = 0;
  virtual Mover& mover() noexcept = 0;

  // Gives the endpoint its number.
  void add(const std::shared_ptr<Endpoint>& endpoint);
  // The rank has left: when it returns, nothing of its user's memory is read or written any more.
  // Peers may still read its control segment, as long as one of them is there.
  void release(const std::shared_ptr<Endpoint>& endpoint);
  // Nobody has heard of it.
  void remove(const Endpoint& endpoint);
  // nullptr: there is none of that number, or it is not ready.
  std::shared_ptr<Endpoint> endpoint(std::uint32_t number);

  // What this process sends there on; nullptr: nothing.
  virtual std::shared_ptr<Link> find_link(const NodeId& node) = 0;
  // One that is open, whoever began it; nullptr: there is none.
  virtual std::shared_ptr<Link> open_link_to(const NodeId& node) = 0;

  // For links.
  void on_closed(Link& link, Link::End end, const std::string& why);
  void on_news() { prune(); }
  void on_port_gone(const NodeId& node, std::uint32_t port);
  // A put of that endpoint reads memory that is not there.
  void on_unreadable(std::uint32_t number);

 protected:
  Node();
  ~Node() = default;

  virtual std::vector<std::shared_ptr<Link>> open_links() = 0;
  // What has left goes on by itself when this process ends, at once: waits for that, not for long.
  virtual void see_off() noexcept {}
  // A link has been closed: it is none of those any more.
  virtual void on_change() noexcept = 0;
  // On the network's own thread, soon.
  virtual void run_later(std::function<void()> work) = 0;

  std::vector<std::shared_ptr<Endpoint>> endpoints();
  void let_endpoints_go();
  // Peers that are about to leave too may still read what this process's ranks have left them.
  void linger(Nanoseconds longest);

 private:
  // Those that are of no use to anybody any more go.
  void prune();
  bool has_released();
  bool any_released() const;  // endpoints_mutex_ held

  const NodeId id_;
  std::mutex endpoints_mutex_;  // everything below
  std::map<std::uint32_t, std::shared_ptr<Endpoint>> endpoints_;
  std::uint32_t last_number_ = 0;
};

}  // namespace tutti::message
