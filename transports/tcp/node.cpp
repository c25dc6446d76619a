#include "transports/tcp/node.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/quiet_thread.hpp"
#include "transports/message/node_of_process.hpp"

namespace tutti::tcp {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// How long a connection that the other side has begun may take; then this side begins again.
constexpr std::chrono::seconds kTimeOfTheOther{2};
// A listener that is crowded closes connections before it knows whose they are. One that is dead
// refuses them.
constexpr std::chrono::seconds kCallsTime{30};
constexpr std::chrono::milliseconds kPauseBetweenCalls{20};
// Handshakes of hundreds of processes on a few cores would all be late if all began at once.
constexpr std::size_t kMostCalls = 8;

}  // namespace

Node& Node::of_this_process() { return message::NodeOfProcess<Node, &Node::make>::get(); }

std::unique_ptr<Node> Node::make() {
  try {
    return std::make_unique<Node>();
  } catch (const boost::system::system_error& error) {
    fail(tuttiSystemError, "opening transport tcp: {}", error.what());
  }
}

void Node::in_child() noexcept {
  poller_.close_inherited();
  for (Door& door : doors_) door.close_inherited();
}

Node::Node() : poller_(io_) {
  thread_ = start_quiet_thread("tutti-tcp", [this] { run(); });
}

SocketAddress Node::listen(const SocketAddress* where) {
  constexpr const char* kPurpose = "for other ranks";
  const std::lock_guard lock(mutex_);
  for (const Door& door : doors_) {
    const SocketAddress& there = door.address();
    const bool same = where != nullptr
                          ? there.family == where->family && there.bytes == where->bytes
                          : is_loopback(there);
    if (same) return there;
  }
  Door::Host& host = *this;
  Door& door =
      doors_.emplace_back(io_, host,
                          where != nullptr ? listen_at(*where, kPurpose, enlarge_buffers)
                                           : listen_on_loopback(kPurpose, enlarge_buffers));
  asio::post(io_, [&door] { door.open(); });
  TUTTI_INFO(kNet, "listening at {}", to_string(door.address()));
  return door.address();
}

void Node::run() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {
      // Out of memory, say: what was being done is lost, and who waits for it hears by its
      // deadline.
      TUTTI_WARN(kNet, "{}", error.what());
    }
  }
}

Node::~Node() {
  linger(std::chrono::seconds(2));
  io_.stop();
  thread_.join();
}

std::vector<std::shared_ptr<message::Link>> Node::open_links() {
  const std::vector<std::shared_ptr<Link>> links = poller_.links();
  return {links.begin(), links.end()};
}

void Node::run_later(std::function<void()> work) { asio::post(io_, std::move(work)); }

std::shared_ptr<Link> Node::link_to(const NodeId& node, const SocketAddress& address,
                                    const Introduction& introduction, const Key& key) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Link>& link = by_node_[node];
  if (link && !link->is_closed()) return link;
  link = std::make_shared<Link>(*this, node);
  asio::post(io_, [this, link = link, callee = Callee{node, address, introduction, key}] {
    call(link, callee);
  });
  return link;
}

// On the node's thread, as all that follows until the link is open.
void Node::call(const std::shared_ptr<Link>& link, Callee callee) {
  if (link->is_open() || link->is_closed()) return;
  {
    const std::lock_guard lock(mutex_);
    if (visitors_.contains(callee.node)) return call_later(link, callee, kTimeOfTheOther);
    if (called_.size() >= kMostCalls) return waiting_.push_back({link, callee});
    called_.insert(callee.node);
  }
  if (callee.until == Nanoseconds{}) callee.until = steady_now() + kCallsTime;
  const auto done = [this, link, callee](Descriptor socket, const Call::Failure& why) {
    on_called(link, callee, std::move(socket), why);
  };
  std::make_shared<Call>(io_, callee.address, callee.node, callee.key, callee.introduction, done)
      ->start();
}

void Node::on_called(const std::shared_ptr<Link>& link, const Callee& callee, Descriptor socket,
                     const Call::Failure& why) {
  {
    const std::lock_guard lock(mutex_);
    called_.erase(callee.node);
  }
  if (link->is_open()) {
    // The other side's connection was first.
  } else if (socket) {
    open_link(link, std::move(socket));
  } else if (why.refusal == Refusal::kDuplicate) {
    call_later(link, callee, kTimeOfTheOther);
  } else if (why.interrupted && steady_now() < callee.until) {
    call_later(link, callee, kPauseBetweenCalls);  // strangers have crowded this one out
  } else {
    link->close(why.end, why.text);
  }
  call_next();
}

// Some of those who wait have been called by the other side meanwhile.
void Node::call_next() {
  const auto may_call = [this] {
    const std::lock_guard lock(mutex_);
    return called_.size() < kMostCalls;
  };
  while (!waiting_.empty() && may_call()) {
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    call(next.link, next.callee);
  }
}

// Unless the connection that the other side has begun is there by then.
void Node::call_later(const std::shared_ptr<Link>& link, const Callee& callee, Nanoseconds pause) {
  const auto timer = std::make_shared<asio::steady_timer>(io_, pause);
  timer->async_wait([this, timer, link, callee](error_code) { call(link, callee); });
}

std::shared_ptr<message::Link> Node::find_link(const NodeId& node) {
  const std::lock_guard lock(mutex_);
  const auto found = by_node_.find(node);
  return found != by_node_.end() && !found->second->is_closed() ? found->second : nullptr;
}

void Node::open_link(const std::shared_ptr<Link>& link, Descriptor socket) {
  link->open(std::move(socket));
  poller_.add(link);
  silence_.add(link);
}

std::shared_ptr<message::Endpoint> Node::wanted_by(const Introduction& said, Refusal& refusal) {
  refusal = Refusal::kStranger;
  for (auto& each : endpoints()) {
    const auto* const endpoint = static_cast<const Endpoint*>(each.get());
    if (!endpoint->knows_peers() || endpoint->communicator() != said.communicator) continue;
    const auto ranks = static_cast<std::uint32_t>(endpoint->ranks());
    refusal = Refusal::kRank;
    if (said.ranks != ranks || said.from >= ranks) break;
    if (endpoint->rank() != static_cast<Rank>(said.to)) continue;
    if (endpoint->peer(static_cast<Rank>(said.from)).node != said.node) break;
    refusal = Refusal::kNone;
    return std::move(each);
  }
  return nullptr;
}

std::optional<Key> Node::key_for(const Introduction& said, Refusal& refusal) {
  const auto endpoint = wanted_by(said, refusal);
  if (!endpoint) return std::nullopt;
  return static_cast<const Endpoint&>(*endpoint).key();
}

// When two processes call each other at once, the connection of the one with the lower id stays. A
// process that connects to itself has both ends. The handshake's last word may be lost: then this
// end had a connection, and its end was a death; who has not heard of it comes again.
Refusal Node::admit(const Introduction& said) {
  Refusal refusal = Refusal::kNone;
  const auto endpoint = wanted_by(said, refusal);
  if (!endpoint) return refusal;
  if (endpoint->standing().state(static_cast<Rank>(said.from)) == PeerState::kDead) {
    return Refusal::kGone;
  }
  if (said.node == id()) return Refusal::kNone;
  const std::lock_guard lock(mutex_);
  const auto own = by_node_.find(said.node);
  const bool is_open = own != by_node_.end() && own->second->is_open() && !own->second->is_closed();
  const bool calls = called_.contains(said.node) && id() < said.node;
  const bool first = !is_open && !calls && visitors_.insert(said.node).second;
  return first ? Refusal::kNone : Refusal::kDuplicate;
}

void Node::dismiss(const Introduction& said) noexcept {
  const std::lock_guard lock(mutex_);
  visitors_.erase(said.node);
}

void Node::welcome(const Introduction& said, Descriptor socket) {
  prepare_socket(socket.get());
  std::shared_ptr<Link> link;
  if (said.node == id()) {
    link = std::make_shared<Link>(*this, said.node);
  } else {
    // What this process sends there goes the same way.
    const std::lock_guard lock(mutex_);
    visitors_.erase(said.node);
    std::shared_ptr<Link>& own = by_node_[said.node];
    if (!own || own->is_closed()) own = std::make_shared<Link>(*this, said.node);
    link = own;
  }
  open_link(link, std::move(socket));
}

}  // namespace tutti::tcp
