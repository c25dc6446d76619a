#include "transports/packets/node.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/message/outbox.hpp"

namespace tutti::packets {

namespace {

// What providers over TCP send without asking the receiver first.
constexpr std::size_t kPacketBytes = std::size_t{16} << 10;
constexpr std::size_t kSenders = 64;
constexpr std::size_t kReceivers = 128;
constexpr Nanoseconds kLastSends = std::chrono::seconds(1);

std::size_t packet_bytes(const Fabric& fabric) {
  return std::min(kPacketBytes, fabric.capabilities().message_bytes);
}

std::size_t worth_writing_on(Fabric& fabric) {
  const Writer* const writer = fabric.writer();
  return writer != nullptr ? writer->worth_bytes() : message::Outbox::kNone;
}

}  // namespace

Node::Node(std::unique_ptr<Fabric> fabric, Nanoseconds linger)
    : linger_(linger),
      fabric_(std::move(fabric)),
      senders_(*fabric_, packet_bytes(*fabric_), kSenders, Job::Use::kSend),
      receivers_(*fabric_, packet_bytes(*fabric_), kReceivers, Job::Use::kReceive),
      worth_writing_(worth_writing_on(*fabric_)),
      regions_(*fabric_),
      poller_(*this, receivers_) {
  const Capabilities& can = fabric_->capabilities();
  TUTTI_INFO(kNet, "{}: packets of {} bytes, {}; {}", can.network, senders_.buffer_bytes(),
             can.sleeps ? "sleeps on them" : "looks for them",
             fabric_->writer() != nullptr
                 ? fmt::format("what has {} bytes or more is written to its place", worth_writing_)
                 : "it does not write into memory");
}

Node::~Node() {
  linger(linger_);
  see_off();
  poller_.stop();
  fabric_->shut();
  for (const auto& [node, link] : by_node_) link->network_is_shut();
  let_endpoints_go();  // they forget their tokens
}

void Node::see_off() noexcept {
  const auto is_idle = [this] {
    return !poller_.has_backlog() && senders_.all_free() && landings_.empty() &&
           departures_.load(std::memory_order_relaxed) == 0;
  };
  const Nanoseconds end = steady_now() + kLastSends;
  while (!is_idle() && steady_now() < end) {
    poller_.poll();
    std::this_thread::yield();
  }
}

void Node::expect(std::uint64_t token, const Neighbour& neighbour) {
  const std::lock_guard lock(mutex_);
  known_.try_emplace(token, Known{neighbour, nullptr});
}

void Node::forget(std::span<const std::uint64_t> tokens) {
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t token : tokens) {
    const auto found = known_.find(token);
    if (found != known_.end() && found->second.link == nullptr) known_.erase(found);
  }
}

std::shared_ptr<Link> Node::link_of(const Neighbour& neighbour, bool& is_new) {
  std::shared_ptr<Link>& link = by_node_[neighbour.node];
  is_new = link == nullptr;
  if (is_new) {
    const PeerAddress there = fabric_->add_peer(neighbour.address);
    link = std::make_shared<Link>(
        *this, neighbour.node,
        Link::Way{.peer = there, .token = neighbour.token, .pid = neighbour.pid});
  }
  return link;
}

std::shared_ptr<Link> Node::link_to(const Neighbour& neighbour) {
  bool is_new = false;
  std::shared_ptr<Link> link;
  {
    const std::lock_guard lock(mutex_);
    link = link_of(neighbour, is_new);
  }
  if (is_new) link->sign();
  return link;
}

std::shared_ptr<Link> Node::sender_of(std::uint64_t token) {
  bool is_new = false;
  std::shared_ptr<Link> link;
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(token);
    if (found == known_.end()) return nullptr;
    Known& known = found->second;
    if (known.link == nullptr) known.link = link_of(known.neighbour, is_new);
    link = known.link;
  }
  if (is_new) link->sign();
  return link;
}

std::shared_ptr<message::Link> Node::find_link(const NodeId& node) {
  const std::lock_guard lock(mutex_);
  const auto found = by_node_.find(node);
  return found != by_node_.end() && !found->second->is_closed() ? found->second : nullptr;
}

std::vector<std::shared_ptr<message::Link>> Node::open_links() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<message::Link>> links;
  for (const auto& [node, link] : by_node_) {
    if (!link->is_closed()) links.push_back(link);
  }
  return links;
}

void Node::on_packet(std::span<const std::byte> bytes) {
  std::shared_ptr<Link> link;
  std::optional<Packet> packet;
  if (bytes.size() >= kPacketHeadBytes) packet = decode_packet(bytes.first<kPacketHeadBytes>());
  if (packet) link = sender_of(packet->token);
  if (link == nullptr) {
    if (strangers_.fetch_add(1, std::memory_order_relaxed) == 0) {
      TUTTI_WARN(kNet, "packets come that nobody of a communicator of this process has sent");
    }
    return;
  }
  link->take(*packet, bytes.subspan(kPacketHeadBytes));
}

void Node::on_landed(std::uint32_t landing) {
  if (const std::shared_ptr<Link> link = landings_.find(landing)) link->on_landed(landing);
}

void Node::tend(Nanoseconds now) {
  for (const auto& link : open_links()) static_cast<Link&>(*link).tend(now);
}

}  // namespace tutti::packets
