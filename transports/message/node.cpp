#include "transports/message/node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.hpp"
#include "bootstrap/key.hpp"

namespace tutti::message {

namespace {

NodeId make_id() {
  const Key random = random_key();
  NodeId id;
  std::copy_n(random.begin(), id.size(), id.begin());
  return id;
}

}  // namespace

Node::Node() : id_(make_id()) {}

void Node::linger(Nanoseconds longest) {
  const Nanoseconds end = steady_now() + longest;
  while (has_released() && steady_now() < end) {
    mover().poll();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Node::add(const std::shared_ptr<Endpoint>& endpoint) {
  const std::lock_guard lock(endpoints_mutex_);
  endpoint->set_number(++last_number_);
  endpoints_[last_number_] = endpoint;
}

void Node::release(const std::shared_ptr<Endpoint>& endpoint) {
  see_off();
  for (const auto& link : open_links()) link->forget(*endpoint);
  prune();
}

void Node::remove(const Endpoint& endpoint) {
  const std::lock_guard lock(endpoints_mutex_);
  endpoints_.erase(endpoint.number());
}

// Endpoints end outside of the lock: a network may have more to do then.
void Node::prune() {
  std::vector<std::shared_ptr<Endpoint>> gone;
  const std::lock_guard lock(endpoints_mutex_);
  std::erase_if(endpoints_, [&gone](const auto& entry) {
    const Standing& standing = entry.second->standing();
    if (!standing.has_left() || !standing.is_alone()) return false;
    gone.push_back(entry.second);
    return true;
  });
  mover().keep_moving(any_released());
}

void Node::let_endpoints_go() {
  std::map<std::uint32_t, std::shared_ptr<Endpoint>> gone;
  const std::lock_guard lock(endpoints_mutex_);
  gone.swap(endpoints_);
}

bool Node::has_released() {
  const std::lock_guard lock(endpoints_mutex_);
  return any_released();
}

bool Node::any_released() const {
  return std::any_of(endpoints_.begin(), endpoints_.end(),
                     [](const auto& entry) { return entry.second->standing().has_left(); });
}

std::shared_ptr<Endpoint> Node::endpoint(std::uint32_t number) {
  const std::lock_guard lock(endpoints_mutex_);
  const auto found = endpoints_.find(number);
  return found != endpoints_.end() && found->second->is_ready() ? found->second : nullptr;
}

std::vector<std::shared_ptr<Endpoint>> Node::endpoints() {
  const std::lock_guard lock(endpoints_mutex_);
  std::vector<std::shared_ptr<Endpoint>> all;
  for (const auto& [number, endpoint] : endpoints_) all.push_back(endpoint);
  return all;
}

void Node::on_closed(Link& link, Link::End end, const std::string& why) {
  on_change();
  // What the process has sent on other links comes before its end, and it does not go on without
  // one of them.
  if (const std::shared_ptr<Link> other = open_link_to(link.remote())) {
    while (other->receive()) {
    }
    return other->close(end, why);
  }
  for (const auto& endpoint : endpoints()) endpoint->on_node_gone(link.remote(), end, why);
  prune();
}

void Node::on_port_gone(const NodeId& node, std::uint32_t port) {
  for (const auto& endpoint : endpoints()) endpoint->on_port_gone(node, port);
  prune();
}

void Node::on_unreadable(std::uint32_t number) {
  run_later([this, number] {
    if (const auto endpoint = this->endpoint(number)) {
      endpoint->standing().propose(
          Error(tuttiInvalidArgument,
                fmt::format("rank {} sends from memory that is not there", endpoint->rank()),
                {endpoint->rank()}));
    }
  });
}

}  // namespace tutti::message
