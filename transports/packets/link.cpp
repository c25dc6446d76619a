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
    : message::Link(node, remote), packet_node_(node), way_(way), made_(steady_now()) {
  if (way.pid != 0) {
    process_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, way.pid, 0)));
    if (!process_ && errno == ESRCH) fails(ESRCH);
  }
  open_.store(true, std::memory_order_release);
}

// What has come.

void Link::take(const Packet& packet, std::span<const std::byte> content) {
  heard_.store(steady_now().count(), std::memory_order_release);
  // Packets overtake each other: the highest number is the last one.
  std::uint64_t known = taken_there_.load(std::memory_order_relaxed);
  while (known < packet.taken && !taken_there_.compare_exchange_weak(known, packet.taken)) {
  }
  if (packet.number == Packet::kNoNumber || is_closed()) return;
  std::string why;
  {
    const std::lock_guard lock(receiving_);
    try {
      if (!deliver(packet, content)) why = "it sent " + inbox_.complaint();
    } catch (const std::exception& error) {
      why = error.what();  // no memory, say: what has come is lost
    }
  }
  if (!why.empty()) return close(End::kBroken, why);
  if (owes_sign()) sign();
}

bool Link::deliver(const Packet& packet, std::span<const std::byte> content) {
  const std::uint64_t next = taken_.load(std::memory_order_relaxed);
  if (packet.number < next) return true;  // again
  if (packet.number - next >= kWindow) {
    fail(tuttiSystemError, "it sent packet {} before {} was taken", packet.number, next);
  }
  if (packet.number > next) {
    held_.try_emplace(packet.number, content.begin(), content.end());
    return true;
  }
  if (!inbox_.take(content)) return false;
  taken_.store(next + 1, std::memory_order_release);
  return deliver_held();
}

bool Link::deliver_held() {
  while (!held_.empty()) {
    const auto first = held_.begin();
    const std::uint64_t next = taken_.load(std::memory_order_relaxed);
    if (first->first > next) break;
    const bool is_next = first->first == next;
    const std::vector<std::byte> held = std::move(first->second);
    held_.erase(first);
    if (!is_next) continue;
    if (!inbox_.take(held)) return false;
    taken_.store(next + 1, std::memory_order_release);
  }
  return true;
}

// Before the other side has to stop for want of it.
bool Link::owes_sign() const noexcept {
  return taken_.load(std::memory_order_relaxed) - told_.load(std::memory_order_relaxed) >=
         kWindow / 2;
}

// What goes out.

void Link::stamp(Buffer& buffer, std::uint64_t number) noexcept {
  const Packet packet{
      .token = way_.token, .number = number, .taken = taken_.load(std::memory_order_acquire)};
  encode(packet, buffer.memory.first<kPacketHeadBytes>());
  told_.store(packet.taken, std::memory_order_relaxed);
}

bool Link::fill(Buffer& buffer) {
  for (;;) {
    iovec parts[kMostParts];
    bool named = false;
    const std::size_t count =
        outbox_.gather(parts, buffer.memory.size() - kPacketHeadBytes, &named);
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
      stamp(buffer, begun_++);
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

void Link::write() {
  if (is_closed()) return;
  soon_bytes_ = 0;
  bool all = send_again();
  while (all && (stuck_ != nullptr || sign_wanted_ || !outbox_.empty())) {
    if (stuck_ == nullptr) {
      const bool may_go =
          begun_ - taken_there_.load(std::memory_order_relaxed) < kWindow && !outbox_.empty();
      all = may_go || sign_wanted_;
      if (!all) break;
      stuck_ = packet_node_.senders().take();
      all = stuck_ != nullptr;
      if (!all) break;
      if (!may_go || !fill(*stuck_)) {
        stuck_->bytes = kPacketHeadBytes;
        stamp(*stuck_, Packet::kNoNumber);
      }
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
  left_.store(outbox_.left(), std::memory_order_release);
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
}

}  // namespace tutti::packets
