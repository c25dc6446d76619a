// The way to another process over reliable datagrams: the stream of frames goes out in packets,
// which may arrive in any order and are put in order again. At most kWindow of them are on their
// way at once, so that a receiver keeps no more than that. A packet whose sending fails is sent
// again for a while: who has it already lets it go.
//
// Large contents are written to their places where the network does that (Writer). The frame's head
// goes in a packet that offers its content; the stream waits for the answer, then goes on behind
// the content, whose source is free when it has been written (left()). The receiver answers when it
// is the content's turn, and its stream waits for the writes: so everything is in order, whatever
// order the network keeps.
//
// There is no connection that could end. A process of this host is watched; one of another is gone
// when packets to it fail, or nothing is heard from it. Both sides say that they are there when
// they have had nothing else to say.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "transports/message/link.hpp"
#include "transports/packets/arrival.hpp"
#include "transports/packets/buffers.hpp"
#include "transports/packets/departures.hpp"
#include "transports/packets/fabric.hpp"
#include "transports/packets/packet.hpp"

namespace tutti::packets {

using message::NodeId;

class Node;

class Link final : public message::Link, public std::enable_shared_from_this<Link> {
 public:
  static constexpr std::uint64_t kWindow = 64;

  struct Way {
    PeerAddress peer = 0;
    std::uint64_t token = 0;  // of this process's packets to that one
    pid_t pid = 0;            // the other process's, if it is another one of this host
  };
  Link(Node& node, const NodeId& remote, const Way& way);

  // Packets come to take(), which whoever polls calls.
  bool receive() override { return false; }
  std::size_t answer_bytes() const noexcept override;
  bool is_answered() const noexcept override { return heard_.load(std::memory_order_acquire) != 0; }

  // A packet of the other process.
  void take(const Packet& packet, std::span<const std::byte> content);
  // The sending of a packet has ended. It is given back, unless it is to be sent again.
  void on_sent(Buffer& buffer) noexcept;
  void on_failed(Buffer& buffer, int error) noexcept;
  // A write of the peer has come, with this number; one of this process is over, well if `error` is
  // 0.
  void on_landed(std::uint32_t landing);
  void on_written(Departure& departure, int error);
  // Nothing of it is known to the network any more.
  void network_is_shut() noexcept;
  // Says that this process is there, in a packet without content.
  void sign();
  // For the poller: whether it pushes this link out already; and that it no longer does.
  bool becomes_restless() noexcept { return !restless_.exchange(true, std::memory_order_acq_rel); }
  void rests() noexcept { restless_.store(false, std::memory_order_release); }
  // Every now and then: says so if it has not said anything, and closes when the other one is gone.
  void tend(Nanoseconds now);

 private:
  // A packet that came before its turn, or is about a write.
  struct Held {
    Packet packet;
    std::vector<std::byte> content;
  };
  struct Said {
    Packet packet;
    Grant grant;  // of a kGrant
  };

  void write() override;
  void on_close() noexcept override;
  void end_writes_here(const message::Endpoint* endpoint, const message::Asked* asked) override;

  // All with sending_ held.
  bool send_again();  // false: not all of it
  Taken send_packet(Buffer& buffer);
  bool may_stream() const noexcept;
  bool has_more() const noexcept;
  void fill_next(Buffer& buffer);
  bool fill_said(Buffer& buffer);  // false: there is nothing, as the next two
  bool fill(Buffer& buffer);
  bool offer(Buffer& buffer);
  bool push_writes();  // false: not all of it
  void stamp(Buffer& buffer, Packet packet) noexcept;
  void fails(int error) noexcept;
  void note_left() noexcept;
  void drop(const Departure& departure) noexcept;
  void in_packets(const Departure& departure) noexcept;
  void begin_writing(Departure& departure, const Grant& grant);
  void say_held(const Packet& packet, const Grant& grant = {});

  void say(const Packet& packet, const Grant& grant = {});
  void on_answer(const Packet& packet, std::span<const std::byte> content);

  // With receiving_ held; false: what came makes no sense.
  bool deliver(const Packet& packet, std::span<const std::byte> content);
  bool deliver_held();
  bool feed(const Packet& packet, std::span<const std::byte> content);
  bool open_arrival(const Packet& packet);
  bool end_arrival();
  bool on_failed_writes(const Packet& packet);
  bool take_in(const Packet& packet, std::span<const std::byte> content);
  // Runs `work` with receiving_ held; closes the link where it returns false or throws.
  template <typename Work>
  void receive_by(const Work& work);

  bool owes_sign() const noexcept;
  bool has_ended() const noexcept;

  Node& packet_node_;
  const Way way_;
  Descriptor process_;  // readable when it has ended; none: it cannot be watched

  // Of the stream that comes in; written under receiving_.
  std::atomic<std::uint64_t> taken_{0};
  std::map<std::uint64_t, Held> held_;
  Arrival arrival_;
  std::atomic<std::int64_t> heard_{0};  // when, ns; 0: never

  // Of the stream that goes out; under sending_.
  std::uint64_t begun_ = 0;
  std::atomic<std::uint64_t> taken_there_{0};  // as the other side says
  std::atomic<std::uint64_t> told_{0};         // of taken_, to the other side
  Buffer* stuck_ = nullptr;                    // filled, and not taken by the network
  std::vector<Buffer*> again_;                 // whose sending has failed
  std::deque<Said> to_say_;                    // before the stream goes on
  Departures departures_;
  std::uint64_t in_packets_;  // the frame of this number is not offered
  bool sign_wanted_ = false;
  Nanoseconds again_at_{};
  const Nanoseconds made_;
  Nanoseconds said_{};  // when the last packet went
  int error_ = 0;       // of what failed last
  // Since when sending fails, ns; 0: it does not. Set under sending_.
  std::atomic<std::int64_t> failing_since_{0};
  std::atomic<bool> restless_{false};  // the poller's
};

}  // namespace tutti::packets
