// A way to another process: frames go out in the order in which they were sent, and what comes in
// is delivered to the ranks of this process. It carries whatever communicators both processes are
// in. How bytes get across is what a network adds (write(), receive()).
//
// Whoever sends writes itself, as far as the network takes it; the rest leaves when somebody polls
// (Mover::poll). Frames may be sent before the link is open.
//
// Locks: `receiving_` before `sending_`, never the other way.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "transports/message/carrier.hpp"
#include "transports/message/delivery.hpp"
#include "transports/message/inbox.hpp"
#include "transports/message/node_id.hpp"
#include "transports/message/outbox.hpp"

namespace tutti::message {

class Endpoint;
class Node;

class Link {
 public:
  virtual ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  const NodeId& remote() const noexcept { return remote_; }

  // It cannot be made, or has ended: what was sent is dropped from now on.
  enum class End : std::uint8_t {
    kGone,         // the process has ended, and is dead for all who have a rank there
    kUnreachable,  // nothing comes through
    kBroken        // what comes makes no sense, or this process lacks what it takes
  };
  void close(End end, const std::string& why);
  bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  // Is the other process known to be there?
  virtual bool is_answered() const noexcept { return is_open(); }

  enum class When : std::uint8_t {
    kSoon,  // together with what is sent next, unless that has become much
    kNow
  };
  void send(std::span<const std::byte> head, const Outbox::Reference& content, When when);
  void send(std::span<const std::byte> head, std::vector<std::byte> content);

  // Of that kind and nothing else, to no rank.
  void send_bare(FrameKind kind);

  // Of a large answer: how much goes in one frame. What another communicator sends gets its turn in
  // between.
  virtual std::size_t answer_bytes() const noexcept { return std::size_t{256} << 10; }

  // Frames that have not left.
  std::size_t backlog() const noexcept {
    return static_cast<std::size_t>(pushed_.load(std::memory_order_relaxed) -
                                    left_.load(std::memory_order_relaxed));
  }
  // Everything sent before mark() has left when left() has reached it.
  std::uint64_t mark() const noexcept { return pushed_.load(std::memory_order_acquire); }
  std::uint64_t left() const noexcept { return left_.load(std::memory_order_acquire); }
  // As much as the network takes.
  void push_out();

  // Takes what has come; returns whether that was anything.
  virtual bool receive() = 0;

  // Asks for `asked.wanted`; the answer comes to receive().
  void ask(Asked& asked, const Endpoint& endpoint, Rank peer, WindowId window);
  void give_up(Asked& asked);

  // The endpoint goes: nothing of its memory is read or written any more.
  void forget(const Endpoint& endpoint);

 protected:
  // `node` outlives it.
  Link(Node& node, const NodeId& remote)
      : node_(node), remote_(remote), delivery_(node, *this), inbox_(delivery_) {}

  // As much of outbox_ as the network takes, if it is open; says so in left_. sending_ held.
  virtual void write() = 0;
  // Nothing goes out any more. sending_ held.
  virtual void on_close() noexcept = 0;
  // Where the network writes by itself: it does so no more to memory of `endpoint`, or where the
  // answer to `asked` goes, or, if both are nullptr, anywhere. receiving_ held.
  virtual void end_writes_here(const Endpoint* endpoint, const Asked* asked) {
    static_cast<void>(endpoint), static_cast<void>(asked);
  }

  Node& node_;
  const NodeId remote_;
  std::atomic<bool> open_{false};
  std::atomic<bool> closed_{false};

  std::mutex receiving_;
  Delivery delivery_;  // under receiving_
  Inbox inbox_;        // under receiving_

  alignas(64) std::mutex sending_;
  Outbox outbox_;               // under sending_, as what follows
  std::size_t soon_bytes_ = 0;  // pushed since the last write
  std::atomic<std::uint64_t> pushed_{0};
  std::atomic<std::uint64_t> left_{0};
};

}  // namespace tutti::message
