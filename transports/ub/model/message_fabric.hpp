// Level `message`: every port passes one message after another. A message's head goes on while its
// tail is still coming (cut-through), so that an unloaded transfer takes latency + bytes /
// bandwidth.
#pragma once

#include <vector>

#include "transports/ub/model/approach.hpp"
#include "transports/ub/model/delay_lines.hpp"
#include "transports/ub/model/fabric.hpp"
#include "transports/ub/model/fault_schedule.hpp"
#include "transports/ub/model/issue_slots.hpp"
#include "transports/ub/model/local_copies.hpp"
#include "transports/ub/model/spreading.hpp"
#include "transports/ub/model/trunks.hpp"

namespace tutti::ub {

// A message waits in a delay line before a port:
//
//   ready    the first row has been issued; at its time the egress port takes it, a rank's
//            writes into a network in the order in which they were started
//   up, down the node's trunk ports (only where a trunk can hold traffic up)
//   flight, behind trunk   as long as it is not soon at the receiver's port
//
// and then approaches that port, which decides the arrival.
//
// Many messages cross a trunk of summed links at once. It does not hold up a head; a tail waits
// until the trunk has passed everything whose head came before. A single link is a port like
// others.
//
// Lines are first in, first out because the time before a line depends on nothing but the line's
// key: issues of a rank, starts at one port, and heads at one trunk are in order.
class MessageFabric final : public Fabric, private EventTarget {
 public:
  MessageFabric(const Topology& topology, const FabricOptions& options, ModelEvents& queue,
                TransferSink& sink);

  void start(Picoseconds at, const Transfer& transfer) override;

 private:
  enum class Stage : std::uint8_t { kReady, kUp, kFlight, kDown, kBehindTrunk, kIngress, kReplay };
  static constexpr std::size_t kRankStages = 3;   // lines of a rank
  static constexpr std::size_t kTrunkStages = 2;  // lines of a trunk port

  // One cache line: 400 000 of them are on the way in a dispatch.
  struct alignas(64) Message {
    Picoseconds time{};  // of the delay line it is in
    Picoseconds tail{};  // the last byte: until the egress port, when it may leave; then, when it
                         // is where the head is now
    std::uint64_t tag = 0;
    std::uint64_t bytes = 0;
    std::int32_t from = 0;  // rank that has the bytes
    std::int32_t to = 0;
    std::uint32_t next = kNone;
    std::uint32_t rows = 1;
    std::uint32_t ticket = kNone;
    std::int16_t path = 0;
    std::int16_t channel = 0;
    std::int16_t link = 0;
  };

  // Of a transfer that lost bytes on the way: the rest of it, and its replays.
  struct Ticket {
    std::uint32_t next = kNone;
    std::uint32_t parts = 0;  // still on the way
    std::uint64_t tag = 0;
    Picoseconds latest{};
    bool lost = false;
  };

  // A rank's ports by number. [kind][network][rank][channel]
  enum class Port : std::uint8_t { kEgress, kIngress };
  static constexpr std::size_t kPortKinds = 2;

  void fire(Picoseconds now, std::uint64_t token) override;
  void prepare(std::uint64_t token, int pass) const noexcept override;
  void leave(Picoseconds now, std::uint32_t id);
  void leave_in_row(Picoseconds now, std::size_t line, std::uint64_t token);
  bool reads(const Message& message) const noexcept {
    return message.path % kDirections == static_cast<int>(Direction::kRead);
  }
  std::size_t row_of(int network, int rank) const noexcept {
    return static_cast<std::size_t>(network) * ranks_ + static_cast<std::size_t>(rank);
  }
  void cross(Picoseconds now, std::uint32_t id, Stage stage);
  // Its head will be at the receiver's port at `time`; until then it may wait in a line of `owner`.
  void fly(Stage stage, std::size_t owner, Picoseconds time, std::uint32_t id, Picoseconds now);
  void approach(Picoseconds time, std::uint32_t id);
  std::size_t port_of(const Message& message) const noexcept {
    return row_of(topology_.path(message.path).network, message.to);
  }
  void arrive_in_row(Picoseconds now, std::size_t port, std::uint64_t token);
  void arrive(Picoseconds when, std::uint32_t id);

  void lose(Picoseconds when, std::uint32_t id);
  // Takes lost bytes out of the message and sends them again later. True: nothing is left of it.
  bool replay_losses(std::uint32_t id, const Spreading::Passage& passage, Picoseconds decided,
                     Picoseconds start);
  void close_part(std::uint32_t ticket, Picoseconds when, bool lost);
  Spreading::Passage passage_of(const Message& message, Picoseconds when) const {
    return spreading_.passage(route_of(message), topology_.path(message.path), message.channel,
                              when);
  }

  FaultSchedule::Route route_of(const Message& message) const {
    return {
        .network = topology_.path(message.path).network, .from = message.from, .to = message.to};
  }
  // `owner`: a rank, or the number of a trunk port.
  void wait(Stage stage, std::size_t owner, Picoseconds time, std::uint32_t id);
  Picoseconds& port(Port kind, int network, int owner, int channel) {
    const std::size_t row =
        static_cast<std::size_t>(kind) * networks_ + static_cast<std::size_t>(network);
    return ports_[(row * ranks_ + static_cast<std::size_t>(owner)) * channels_ +
                  static_cast<std::size_t>(channel)];
  }
  // When a port that is free at `free` starts what comes at `now` and takes it for `busy`.
  static Picoseconds take(Picoseconds& free, Picoseconds now, Picoseconds busy) {
    const Picoseconds start = free < now ? now : free;
    free = start + busy;
    return start;
  }

  const Topology& topology_;
  ModelEvents& queue_;
  TransferSink& sink_;
  TransferProbe* const probe_;
  FaultSchedule faults_;
  Spreading spreading_;
  IssueSlots issue_;
  const std::size_t ranks_;
  const std::size_t networks_;
  const std::size_t channels_;  // most that a network has
  Trunks trunks_;
  std::vector<Picoseconds> ports_;
  LocalCopies local_;
  std::vector<Picoseconds> latest_write_;    // [network][rank]: when the latest one was ready
  std::vector<int> ready_lane_;              // [path]: whose ready line it uses
  std::vector<std::uint32_t> reads_coming_;  // [network][rank]: that its egress port will carry
  std::vector<Picoseconds> no_read_before_;  // [network]: from its start to the egress port
  Pool<Message> messages_;
  Pool<Ticket> tickets_;
  DelayLines<Message> lines_;
  Approach approach_;  // [network][rank]
  std::uint64_t numbered_ = 0;
};

}  // namespace tutti::ub
