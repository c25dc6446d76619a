// What a link writes into its peer's memory.
#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "transports/packets/link.hpp"
#include "transports/packets/node.hpp"

namespace tutti::packets {

namespace {

// For how long failing writes are tried again, and how often at least.
constexpr Nanoseconds kWritePatience = std::chrono::milliseconds(200);
constexpr unsigned kLeastTries = 16;
// Of an answer that is written: its frames wait for each other.
constexpr std::size_t kWrittenAnswerBytes = std::size_t{4} << 20;

}  // namespace

std::size_t Link::answer_bytes() const noexcept {
  return packet_node_.fabric().writer() != nullptr ? kWrittenAnswerBytes
                                                   : message::Link::answer_bytes();
}

bool Link::offer(Buffer& buffer) {
  Writer* const writer = packet_node_.fabric().writer();
  if (writer == nullptr || outbox_.left() == in_packets_) return false;
  const std::span<const std::byte> head = outbox_.head_of_large(writer->worth_bytes());
  if (head.empty()) return false;
  const std::span<const std::byte> content = outbox_.named_content();
  RegionCache::Lent source = packet_node_.regions().lend_source(content);
  if (source == nullptr) {
    in_packets_ = outbox_.left();
    return false;
  }
  const std::size_t writes = 1 + (content.size() - 1) / writer->most_bytes();
  Departure departure;
  departure.offer = begun_++;
  departure.frame = outbox_.left();
  departure.bytes = content;
  departure.source = std::move(source);
  std::memcpy(buffer.memory.data() + kPacketHeadBytes, head.data(), head.size());
  buffer.bytes = kPacketHeadBytes + head.size();
  stamp(buffer, {.number = departure.offer,
                 .kind = PacketKind::kOffer,
                 .count = static_cast<std::uint32_t>(writes)});
  outbox_.consume(head.size());
  departures_.add(std::move(departure));
  packet_node_.note_departures(1);
  return true;
}

bool Link::push_writes() {
  const bool all = departures_.empty() || departures_.push(way_.peer, shared_from_this());
  while (const Departure* const failed = departures_.next_to_ask()) {
    say_held(
        {.number = failed->offer, .kind = PacketKind::kFailed, .count = failed->grant.landing});
  }
  return all;
}

void Link::on_answer(const Packet& packet, std::span<const std::byte> content) {
  std::string why;
  {
    const std::lock_guard lock(sending_);
    Departure* const departure = is_closed() ? nullptr : departures_.find(packet.number);
    if (departure == nullptr) return;
    const bool offered = departure->state == Departure::State::kOffered;
    const bool asked = departure->state == Departure::State::kAsked;
    if (packet.kind == PacketKind::kGrant && content.size() == kGrantBytes) {
      const Grant grant = decode_grant(content.first<kGrantBytes>());
      if (asked && departure->failures >= kLeastTries &&
          steady_now() - departure->failing_since > kWritePatience) {
        why = "writing into its memory fails: " + packet_node_.fabric().describe(departure->error);
      } else if (offered || (asked && grant.landing != departure->grant.landing)) {
        begin_writing(*departure, grant);
      }
    } else if (packet.kind == PacketKind::kDone && asked) {
      drop(*departure);
    } else if (packet.kind == PacketKind::kRefusal && offered) {
      in_packets(*departure);
    } else if (packet.kind == PacketKind::kRefusal && asked) {
      why = "it takes no more writes, after one of them has failed";
    }
    write();
  }
  if (!why.empty()) close(End::kBroken, why);
}

void Link::begin_writing(Departure& departure, const Grant& grant) {
  if (departure.state == Departure::State::kOffered) {
    // Its memory may have been forgotten meanwhile (Outbox::forget).
    if (outbox_.named_content().size() != departure.bytes.size()) {
      say_held({.number = departure.offer, .kind = PacketKind::kWithdrawn});
      return in_packets(departure);
    }
    outbox_.consume(departure.bytes.size());
  }
  Departures::write_to(departure, grant);
}

void Link::in_packets(const Departure& departure) noexcept {
  in_packets_ = departure.frame;
  drop(departure);
}

void Link::drop(const Departure& departure) noexcept {
  departures_.remove(departure);
  packet_node_.note_departures(-1);
}

void Link::on_written(Departure& departure, int error) {
  const std::lock_guard lock(sending_);
  const bool over = departures_.on_end(departure, error) == Departures::Ended::kAll;
  if (over || (is_closed() && departure.under_way == 0)) drop(departure);
  if (!is_closed()) write();
}

void Link::network_is_shut() noexcept {
  {
    const std::lock_guard lock(receiving_);
    arrival_.end();
  }
  const std::lock_guard lock(sending_);
  departures_.clear();
}

void Link::say_held(const Packet& packet, const Grant& grant) {
  to_say_.push_back({packet, grant});
}

void Link::say(const Packet& packet, const Grant& grant) {
  const std::lock_guard lock(sending_);
  if (is_closed()) return;
  say_held(packet, grant);
  write();
}

}  // namespace tutti::packets
