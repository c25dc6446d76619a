// What comes in on a link: packets, put in order, and what the peer writes here itself.
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "transports/packets/link.hpp"
#include "transports/packets/node.hpp"

namespace tutti::packets {

template <typename Work>
void Link::receive_by(const Work& work) {
  if (is_closed()) return;
  std::string why;
  {
    const std::lock_guard lock(receiving_);
    try {
      if (!work()) why = "it sent " + inbox_.complaint();
    } catch (const std::exception& error) {
      why = error.what();  // no memory, say: what has come is lost
    }
  }
  if (!why.empty()) return close(End::kBroken, why);
  if (owes_sign()) sign();
}

void Link::take(const Packet& packet, std::span<const std::byte> content) {
  heard_.store(steady_now().count(), std::memory_order_release);
  // Packets overtake each other: the highest number is the last one.
  std::uint64_t known = taken_there_.load(std::memory_order_relaxed);
  while (known < packet.taken && !taken_there_.compare_exchange_weak(known, packet.taken)) {
  }
  switch (packet.kind) {
    case PacketKind::kSign:
      return;
    case PacketKind::kGrant:
    case PacketKind::kRefusal:
    case PacketKind::kDone:
      return on_answer(packet, content);
    default:
      receive_by([&] { return take_in(packet, content); });
  }
}

bool Link::take_in(const Packet& packet, std::span<const std::byte> content) {
  switch (packet.kind) {
    case PacketKind::kFailed:
      return on_failed_writes(packet);
    case PacketKind::kWithdrawn:
      if (!arrival_.is_of(packet.number)) return true;
      arrival_.end();
      return deliver_held();
    default:
      return deliver(packet, content);
  }
}

void Link::on_landed(std::uint32_t landing) {
  receive_by([&] { return !arrival_.on_written(landing) || end_arrival(); });
}

bool Link::deliver(const Packet& packet, std::span<const std::byte> content) {
  const std::uint64_t next = taken_.load(std::memory_order_relaxed);
  if (packet.number < next) return true;  // again
  if (packet.number - next >= kWindow) {
    fail(tuttiSystemError, "it sent packet {} before {} was taken", packet.number, next);
  }
  if (packet.number > next || arrival_.is_awaited()) {
    held_.try_emplace(packet.number, Held{packet, {content.begin(), content.end()}});
    return true;
  }
  return feed(packet, content) && deliver_held();
}

bool Link::deliver_held() {
  while (!held_.empty() && !arrival_.is_awaited()) {
    const auto first = held_.begin();
    const std::uint64_t next = taken_.load(std::memory_order_relaxed);
    if (first->first > next) break;
    const bool is_next = first->first == next;
    const Held held = std::move(first->second);
    held_.erase(first);
    if (is_next && !feed(held.packet, held.content)) return false;
  }
  return true;
}

bool Link::feed(const Packet& packet, std::span<const std::byte> content) {
  if (!inbox_.take(content)) return false;
  taken_.store(packet.number + 1, std::memory_order_release);
  return packet.kind != PacketKind::kOffer || open_arrival(packet);
}

// Before the other side has to stop for want of it.
bool Link::owes_sign() const noexcept {
  return taken_.load(std::memory_order_relaxed) - told_.load(std::memory_order_relaxed) >=
         kWindow / 2;
}

bool Link::open_arrival(const Packet& packet) {
  const message::Frame* const frame = inbox_.receiving();
  if (frame == nullptr || packet.count == 0 || packet.count > frame->bytes) {
    fail(tuttiSystemError, "it offered to write what is no content of a frame");
  }
  std::optional<Grant> grant;
  if (packet_node_.fabric().writer() != nullptr) {
    grant = arrival_.open({.number = packet.number, .writes = packet.count},
                          inbox_.place_of_content(), shared_from_this());
  }
  const PacketKind answer = grant ? PacketKind::kGrant : PacketKind::kRefusal;
  say({.number = packet.number, .kind = answer}, grant.value_or(Grant{}));
  return true;
}

bool Link::end_arrival() {
  inbox_.content_is_there();
  return deliver_held();
}

bool Link::on_failed_writes(const Packet& packet) {
  const auto answer = [&](PacketKind kind, const Grant& grant = {}) {
    say({.number = packet.number, .kind = kind}, grant);
  };
  if (!arrival_.is_of(packet.number)) {
    answer(PacketKind::kDone);
  } else if (packet.count != arrival_.grant().landing) {
    answer(PacketKind::kGrant, arrival_.grant());
  } else if (!arrival_.has_place()) {
    arrival_.end();
    answer(PacketKind::kDone);
    return end_arrival();
  } else if (const std::optional<Grant> grant = arrival_.reopen(shared_from_this())) {
    answer(PacketKind::kGrant, *grant);
  } else {
    answer(PacketKind::kRefusal);
  }
  return true;
}

void Link::end_writes_here(const message::Endpoint* endpoint, const message::Asked* asked) {
  if (!arrival_.is_awaited()) return;
  const message::Frame* const frame = inbox_.receiving();
  if (endpoint != nullptr) {
    if (delivery_.goes_to(*endpoint)) arrival_.lose_place();
  } else if (asked != nullptr) {
    if (frame->kind == message::FrameKind::kData && frame->tag == asked->number) {
      arrival_.lose_place();
    }
  } else {
    arrival_.end();
  }
}

}  // namespace tutti::packets
