#include "transports/packets/link.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/message/guarded_copy.hpp"
#include "transports/packets/node.hpp"

namespace tutti::packets {

namespace {

constexpr std::size_t kMostParts = 64;
constexpr std::uint64_t kNoFrame = ~std::uint64_t{0};
// Who has said nothing for so long says that it is there.
constexpr Nanoseconds kSignTime = std::chrono::milliseconds(200);
// Who is not heard for so long is gone; it may take longer to be heard first.
constexpr Nanoseconds kSilence = std::chrono::milliseconds(2500);
constexpr Nanoseconds kFirstSilence = std::chrono::seconds(10);
// For how long what fails is tried again, and how often. What a process sent before it ended comes
// in meanwhile.
constexpr Nanoseconds kPatience = std::chrono::milliseconds(200);
constexpr Nanoseconds kPause = std::chrono::milliseconds(10);

bool means_gone(int error) noexcept {
  return error == ECONNREFUSED || error == ECONNRESET || error == EPIPE || error == ENOTCONN ||
         error == ECONNABORTED || error == ESHUTDOWN || error == ESRCH;
}

}  // namespace

Link::Link(Node& node, const NodeId& remote, const Way& way)
    : message::Link(node, remote),
      packet_node_(node),
      way_(way),
      arrival_(node.regions(), node.landings()),
      departures_(node.fabric()),
      in_packets_(kNoFrame),
      made_(steady_now()) {
  if (way.pid != 0) {
    process_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, way.pid, 0)));
    if (!process_ && errno == ESRCH) fails(ESRCH);
  }
  open_.store(true, std::memory_order_release);
}

void Link::stamp(Buffer& buffer, Packet packet) noexcept {
  packet.token = way_.token;
  packet.taken = taken_.load(std::memory_order_acquire);
  encode(packet, buffer.memory.first<kPacketHeadBytes>());
  told_.store(packet.taken, std::memory_order_relaxed);
}

bool Link::fill_said(Buffer& buffer) {
  if (to_say_.empty()) return false;
  const Said& said = to_say_.front();
  stamp(buffer, said.packet);
  buffer.bytes = kPacketHeadBytes;
  if (said.packet.kind == PacketKind::kGrant) {
    encode(said.grant, buffer.memory.subspan<kPacketHeadBytes, kGrantBytes>());
    buffer.bytes += kGrantBytes;
  }
  to_say_.pop_front();
  return true;
}

bool Link::fill(Buffer& buffer) {
  for (;;) {
    iovec parts[kMostParts];
    bool named = false;
    const std::size_t count = outbox_.gather(parts, buffer.memory.size() - kPacketHeadBytes, &named,
                                             packet_node_.worth_writing());
    if (count == 0) return false;
    std::byte* const content = buffer.memory.data() + kPacketHeadBytes;
    std::size_t bytes = 0;
    if (named) {
      bytes = message::copy_if_there(content, std::span(parts).first(count));
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(content + bytes, parts[i].iov_base, parts[i].iov_len);
        bytes += parts[i].iov_len;
      }
    }
    if (bytes > 0) {
      outbox_.consume(bytes);
      buffer.bytes = kPacketHeadBytes + bytes;
      stamp(buffer, {.number = begun_++});
      return true;
    }
    // Memory of a call that this process made, or was asked for.
    if (const std::uint32_t port = outbox_.spoil(); port != 0) node_.on_unreadable(port);
  }
}

Taken Link::send_packet(Buffer& buffer) {
  buffer.link = shared_from_this();
  const Taken taken = packet_node_.fabric().send(way_.peer, buffer.memory.first(buffer.bytes),
                                                 packet_node_.senders().region(), buffer);
  if (taken == Taken::kYes) {
    said_ = steady_now();
  } else {
    buffer.link.reset();
  }
  return taken;
}

bool Link::send_again() {
  if (again_.empty()) return true;
  if (steady_now() < again_at_) return false;
  again_at_ = steady_now() + kPause;
  while (!again_.empty()) {
    if (send_packet(*again_.back()) != Taken::kYes) return false;
    again_.pop_back();
  }
  return true;
}

bool Link::may_stream() const noexcept {
  return !outbox_.empty() && !departures_.awaits_answer() &&
         begun_ - taken_there_.load(std::memory_order_relaxed) < kWindow;
}

bool Link::has_more() const noexcept {
  return stuck_ != nullptr || sign_wanted_ || !to_say_.empty() ||
         (!outbox_.empty() && !departures_.awaits_answer());
}

void Link::fill_next(Buffer& buffer) {
  if (fill_said(buffer)) return;
  if (may_stream() && (offer(buffer) || fill(buffer))) return;
  buffer.bytes = kPacketHeadBytes;
  stamp(buffer, {.kind = PacketKind::kSign});
}

void Link::write() {
  if (is_closed()) return;
  soon_bytes_ = 0;
  bool all = send_again() && push_writes();
  while (all && has_more()) {
    if (stuck_ == nullptr) {
      all = may_stream() || sign_wanted_ || !to_say_.empty();
      if (!all) break;
      stuck_ = packet_node_.senders().take();
      all = stuck_ != nullptr;
      if (!all) break;
      fill_next(*stuck_);
    }
    const Taken taken = send_packet(*stuck_);
    all = taken == Taken::kYes;
    if (taken == Taken::kNever) fails(EIO);
    if (all) {
      stuck_ = nullptr;
      sign_wanted_ = false;  // every packet is one
    }
  }
  if (!all) packet_node_.poller().tend_soon(*this);
  note_left();
}

// Sources of what is being written are not free.
void Link::note_left() noexcept {
  if (is_closed()) return;
  left_.store(departures_.empty() ? outbox_.left() : departures_.first_frame(),
              std::memory_order_release);
}

void Link::sign() {
  const std::lock_guard lock(sending_);
  if (is_closed()) return;
  sign_wanted_ = true;
  write();
}

void Link::on_sent(Buffer& buffer) noexcept {
  if (failing_since_.load(std::memory_order_relaxed) != 0 && !has_ended()) failing_since_.store(0);
  packet_node_.senders().give_back(buffer);
}

void Link::fails(int error) noexcept {
  std::int64_t never = 0;
  failing_since_.compare_exchange_strong(never, steady_now().count());
  error_ = error;
}

void Link::on_failed(Buffer& buffer, int error) noexcept {
  const std::lock_guard lock(sending_);
  if (is_closed()) return packet_node_.senders().give_back(buffer);
  fails(error);
  again_at_ = steady_now() + kPause;
  again_.push_back(&buffer);
  packet_node_.poller().tend_soon(*this);
}

bool Link::has_ended() const noexcept {
  pollfd entry{process_.get(), POLLIN, 0};
  return process_ && ::poll(&entry, 1, 0) > 0;
}

void Link::tend(Nanoseconds now) {
  if (is_closed()) return;
  bool says_nothing = false;
  int error = 0;
  {
    const std::lock_guard lock(sending_);
    if (has_ended()) fails(ESRCH);
    says_nothing = now - said_ > kSignTime;
    error = error_;
  }
  const Nanoseconds failing(failing_since_.load());
  if (failing.count() != 0 && now - failing > kPatience) {
    return close(means_gone(error) ? End::kGone : End::kUnreachable,
                 packet_node_.fabric().describe(error));
  }
  if (says_nothing) sign();
  const Nanoseconds heard(heard_.load(std::memory_order_acquire));
  const bool ever = heard.count() != 0;
  if (now - (ever ? heard : made_) < (ever ? kSilence : kFirstSilence)) return;
  close(End::kUnreachable, fmt::format("it has given no sign of life for {} ms",
                                       std::chrono::duration_cast<std::chrono::milliseconds>(
                                           ever ? kSilence : kFirstSilence)
                                           .count()));
}

void Link::on_close() noexcept {
  if (stuck_ != nullptr) packet_node_.senders().give_back(*std::exchange(stuck_, nullptr));
  for (Buffer* const buffer : again_) packet_node_.senders().give_back(*buffer);
  again_.clear();
  to_say_.clear();
  const std::size_t before = departures_.count();
  departures_.stop();
  packet_node_.note_departures(-static_cast<std::ptrdiff_t>(before - departures_.count()));
}

}  // namespace tutti::packets
