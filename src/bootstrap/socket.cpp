// Sockets over poll(2).
#include "bootstrap/socket.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tutti {

namespace {

// Whether `fd` became ready (or failed, which the next call on it tells) before the deadline.
bool wait_for(int fd, short events, Socket::Deadline deadline) {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{fd, events, 0};
    const auto wait = std::clamp(left, milliseconds{0}, milliseconds{60'000});
    const int ready = ::poll(&entry, 1, static_cast<int>(wait.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;
    if (left <= milliseconds{0}) return false;
  }
}

}  // namespace

Socket::Outcome Socket::send(std::span<const std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (!wait_for(descriptor_.get(), POLLOUT, deadline)) return Outcome::kTimeout;
    } else {
      return Outcome::kClosed;
    }
  }
  return Outcome::kDone;
}

Socket::Outcome Socket::receive(std::span<std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t got = ::recv(descriptor_.get(), bytes.data(), bytes.size(), 0);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (!wait_for(descriptor_.get(), POLLIN, deadline)) return Outcome::kTimeout;
    } else {
      return Outcome::kClosed;
    }
  }
  return Outcome::kDone;
}

Connected connect_to(const SocketAddress& address, Socket::Deadline deadline) {
  sockaddr_storage name;
  const socklen_t size = to_system(address, name);
  const int fd = ::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return {std::nullopt, errno};
  Socket socket{Descriptor(fd)};
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), size) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) return {std::nullopt, errno};
    if (!wait_for(fd, POLLOUT, deadline)) return {std::nullopt, ETIMEDOUT};
    int error = 0;
    socklen_t length = sizeof(error);
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return {std::nullopt, error};
  }
  const int on = 1;  // slower without, not wrong
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return {std::move(socket), 0};
}

}  // namespace tutti
