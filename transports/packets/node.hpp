// This process on a network of datagrams: its endpoint there, its links, its ranks, and the thread
// that all of them have.
//
// Packets come from whoever knows the address. Those without a token that a communicator of this
// process has made are let go unread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "transports/message/node.hpp"
#include "transports/packets/buffers.hpp"
#include "transports/packets/endpoint.hpp"
#include "transports/packets/fabric.hpp"
#include "transports/packets/landings.hpp"
#include "transports/packets/link.hpp"
#include "transports/packets/poller.hpp"
#include "transports/packets/region_cache.hpp"

namespace tutti::packets {

class Node final : public message::Node {
 public:
  // For NodeOfProcess. At a fork nobody reads what the network reports; what a child has of it is
  // the parent's.
  void before_fork() { poller_.before_fork(); }
  void in_parent() { poller_.in_parent(); }
  void in_child() noexcept {}

  // `linger`: how long its end may wait for peers that have not left.
  explicit Node(std::unique_ptr<Fabric> fabric, Nanoseconds linger = std::chrono::seconds(2));
  ~Node();

  std::string_view transport() const noexcept override { return fabric_->capabilities().transport; }
  Poller& poller() noexcept { return poller_; }
  message::Mover& mover() noexcept override { return poller_; }
  Fabric& fabric() noexcept { return *fabric_; }
  Buffers& senders() noexcept { return senders_; }
  Buffers& receivers() noexcept { return receivers_; }
  RegionCache& regions() noexcept { return regions_; }
  Landings& landings() noexcept { return landings_; }
  // From how many bytes on contents are written to their places; Outbox::kNone: none are.
  std::size_t worth_writing() const noexcept { return worth_writing_; }
  // Of links: so many more contents are to be written, or fewer.
  void note_departures(std::ptrdiff_t more) noexcept {
    departures_.fetch_add(more, std::memory_order_relaxed);
  }

  // Another process, as one communicator knows it.
  struct Neighbour {
    NodeId node{};
    std::vector<std::byte> address;
    std::uint64_t token = 0;  // of packets to it
    pid_t pid = 0;            // if it is another process of this host
  };
  // Packets with this token are of that process.
  void expect(std::uint64_t token, const Neighbour& neighbour);
  // Their communicator is gone. Those by which a process has sent packets stay.
  void forget(std::span<const std::uint64_t> tokens);
  // The one that there is - a process that is gone does not come back - or a new one.
  std::shared_ptr<Link> link_to(const Neighbour& neighbour);
  std::shared_ptr<message::Link> find_link(const NodeId& node) override;
  std::shared_ptr<message::Link> open_link_to(const NodeId& node) override {
    return find_link(node);
  }

  // For the poller.
  void on_packet(std::span<const std::byte> bytes);
  void on_landed(std::uint32_t landing);
  void tend(Nanoseconds now);
  // How many packets had no token that is known here.
  std::uint64_t strangers() const noexcept { return strangers_.load(std::memory_order_relaxed); }

 private:
  struct Known {
    Neighbour neighbour;
    std::shared_ptr<Link> link;  // once a packet has come
  };

  std::vector<std::shared_ptr<message::Link>> open_links() override;
  void on_change() noexcept override {}
  void run_later(std::function<void()> work) override { poller_.run_later(std::move(work)); }
  void see_off() noexcept override;

  std::shared_ptr<Link> link_of(const Neighbour& neighbour, bool& is_new);  // mutex_ held
  std::shared_ptr<Link> sender_of(std::uint64_t token);

  const Nanoseconds linger_;
  const std::unique_ptr<Fabric> fabric_;
  Buffers senders_;
  Buffers receivers_;
  const std::size_t worth_writing_;
  RegionCache regions_;
  Landings landings_;
  std::atomic<std::ptrdiff_t> departures_{0};
  std::atomic<std::uint64_t> strangers_{0};

  std::mutex mutex_;  // everything below
  std::map<NodeId, std::shared_ptr<Link>> by_node_;
  std::unordered_map<std::uint64_t, Known> known_;  // by token

  Poller poller_;
};

}  // namespace tutti::packets
