#include "transports/tcp/link.hpp"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "transports/tcp/node.hpp"

namespace tutti::tcp {

namespace {

// What leaves at once, before a look at what has come. Bare sockets, both ways at once over
// loopback, 1 and 4 MiB each way in us, by this and the sockets' buffers: 700 and 3000 with 4 MiB
// and the kernel's own choice; with 2 MB 240 and 2060 by 512 KiB, 300 and 1100 by 128 KiB, 390 and
// 1250 by 32 KiB. An all-to-all of 1 and 4 MiB a pair: 560 to 930 and 3300 to 3600 by 256 KiB, 710
// to 860 and 3300 to 3900 by 128 KiB, 1000 and 6000 by 64 KiB.
constexpr std::size_t kMostAtOnce = message::Inbox::kMostAtOnce;
constexpr std::size_t kMostParts = 64;

// A single part needs no message that the kernel would have to read: 0.1 us of each look.
ssize_t send_some(int socket, const msghdr& message) noexcept {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (message.msg_iovlen != 1) return ::sendmsg(socket, &message, kFlags);
  return ::send(socket, message.msg_iov->iov_base, message.msg_iov->iov_len, kFlags);
}

ssize_t receive_some(int socket, msghdr& message) noexcept {
  if (message.msg_iovlen != 1) return ::recvmsg(socket, &message, MSG_DONTWAIT);
  return ::recv(socket, message.msg_iov->iov_base, message.msg_iov->iov_len, MSG_DONTWAIT);
}

// Of who holds the lock of sending or receiving; SilenceWatch reads it.
void count(std::atomic<std::uint64_t>& bytes, ssize_t more) noexcept {
  bytes.store(bytes.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(more),
              std::memory_order_relaxed);
}

}  // namespace

Link::Link(Node& node, const NodeId& remote) : message::Link(node, remote), tcp_(node) {}

void Link::open(Descriptor socket) {
  const std::lock_guard lock(sending_);
  socket_ = std::move(socket);
  open_.store(true, std::memory_order_release);
  write();
}

void Link::on_close() noexcept {
  if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
  if (std::exchange(watched_, false)) tcp_.poller().count_waiting(-1);
}

void Link::write() {
  if (!open_.load(std::memory_order_relaxed)) return;
  soon_bytes_ = 0;
  for (std::size_t left = kMostAtOnce; !outbox_.empty();) {
    iovec parts[kMostParts];
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = outbox_.gather(parts, left);
    const ssize_t sent = send_some(socket_.get(), message);
    if (sent >= 0) {
      outbox_.consume(static_cast<std::size_t>(sent));
      count(sent_, sent);
      left -= std::min(left, static_cast<std::size_t>(sent));
      if (left > 0 || outbox_.empty()) continue;
      want_to_write(true);
      left_.store(outbox_.left(), std::memory_order_release);
      return;
    }
    if (errno == EINTR) continue;
    if (errno == EFAULT) {
      // Memory of a call that this process made, or was asked for.
      if (const std::uint32_t port = outbox_.spoil(); port != 0) node_.on_unreadable(port);
      continue;
    }
    if (errno != EAGAIN) break;  // receive() meets the end of the connection, and closes it
    want_to_write(true);
    left_.store(outbox_.left(), std::memory_order_release);
    return;
  }
  want_to_write(false);
  left_.store(outbox_.left(), std::memory_order_release);
}

void Link::want_to_write(bool want) {
  if (want == watched_) return;
  watched_ = want;
  tcp_.poller().count_waiting(want ? 1 : -1);
  tcp_.poller().watch(*this, want);
}

bool Link::receive() {
  if (!open_.load(std::memory_order_acquire) || is_closed()) return false;
  bool any = false;
  std::string why;
  End end = End::kBroken;
  {
    const std::lock_guard lock(receiving_);
    iovec places[message::Inbox::kMostPlaces];
    msghdr message{};
    message.msg_iov = places;
    message.msg_iovlen = inbox_.prepare(places);
    const ssize_t got = receive_some(socket_.get(), message);
    if (got > 0) {
      any = true;
      count(received_, got);
      try {
        if (!inbox_.advance(static_cast<std::size_t>(got))) why = "it sent " + inbox_.complaint();
      } catch (const std::exception& error) {
        why = error.what();  // no memory, say: what has come is lost
      }
    } else if (got == 0) {
      end = End::kGone;
      why = end_of_stream();
    } else if (errno == EFAULT) {
      why = "it sent bytes for an address where nothing is";
    } else if (errno != EAGAIN && errno != EINTR) {
      end = end_of(errno);
      why = std::strerror(errno);
    }
  }
  if (!why.empty()) close(end, why);
  return any;
}

Link::Signs Link::signs() const noexcept {
  int unacknowledged = 0;
  ::ioctl(socket_.get(), SIOCOUTQ, &unacknowledged);
  return {.received = received_.load(std::memory_order_relaxed),
          .sent = sent_.load(std::memory_order_relaxed),
          .unacknowledged = static_cast<std::uint64_t>(unacknowledged),
          .has_backlog = backlog() > 0};
}

Link::End Link::end_of(int error) noexcept {
  return error == ECONNRESET || error == EPIPE ? End::kGone : End::kUnreachable;
}

std::string Link::end_of_stream() const {
  return inbox_.in_frame() ? "its process ended in the middle of a frame" : "its process ended";
}

}  // namespace tutti::tcp
