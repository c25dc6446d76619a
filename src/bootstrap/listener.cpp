#include "bootstrap/listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/environment.hpp"
#include "base/error.hpp"

namespace tutti {

namespace {

constexpr int kBacklog = 4096;  // all ranks may come at once
constexpr const char* kRangeVariable = "TUTTI_PORT_RANGE";

// Close-on-exec from birth, which Asio's own open() is not. No socket, and errno, when it fails.
Listener try_to_listen(const SocketAddress& where, bool is_fixed, void (*prepare)(int socket)) {
  Descriptor socket(::socket(where.family == 6 ? AF_INET6 : AF_INET,
                             SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket && prepare != nullptr) prepare(socket.get());
  const int on = 1;
  // A port that others know is to be had again as soon as it is free, though connections of who had
  // it last are still going.
  if (socket && is_fixed) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_storage name;
  const socklen_t size = to_system(where, name);
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    const int cause = errno;
    socket.close();
    errno = cause;
    return {};
  }
  const SocketAddress address = local_end_of(socket.get());
  return {std::move(socket), address};
}

// Processes of one host begin at different ones.
Listener try_range(SocketAddress where, const PortRange& range, void (*prepare)(int socket)) {
  const unsigned ports = static_cast<unsigned>(range.last - range.first) + 1;
  const unsigned begin = static_cast<unsigned>(::getpid()) % ports;
  for (unsigned i = 0; i < ports; ++i) {
    where.port = static_cast<std::uint16_t>(range.first + (begin + i) % ports);
    Listener listener = try_to_listen(where, true, prepare);
    if (listener.socket || errno != EADDRINUSE) return listener;
  }
  return {};
}

Listener try_at(const SocketAddress& where, const PortRange& range, void (*prepare)(int socket)) {
  return range.first != 0 ? try_range(where, range, prepare)
                          : try_to_listen(where, where.port != 0, prepare);
}

[[noreturn]] void fail_to_listen(const SocketAddress& where, const PortRange& range,
                                 const char* what) {
  if (range.first != 0 && errno == EADDRINUSE) {
    fail(tuttiSystemError, "listening {}: no port of {}={}-{} is free", what, kRangeVariable,
         range.first, range.last);
  }
  fail_system("listening at {} {}", to_string(where), what);
}

}  // namespace

PortRange port_range() {
  const auto text = env_string(kRangeVariable);
  if (!text) return {};
  PortRange range;
  const char* const end = text->data() + text->size();
  const auto first = std::from_chars(text->data(), end, range.first);
  bool good = first.ec == std::errc{} && first.ptr != end && *first.ptr == '-';
  if (good) {
    const auto last = std::from_chars(first.ptr + 1, end, range.last);
    good = last.ec == std::errc{} && last.ptr == end;
  }
  if (!good || range.first == 0 || range.last < range.first) {
    fail(tuttiInvalidArgument, "{}='{}': expected two ports, the lower one first, as 20000-20100",
         kRangeVariable, *text);
  }
  return range;
}

Listener listen_at(const SocketAddress& where, const char* what, void (*prepare)(int socket)) {
  const PortRange range = where.port == 0 ? port_range() : PortRange{};
  Listener listener = try_at(where, range, prepare);
  if (!listener.socket) fail_to_listen(where, range, what);
  return listener;
}

Listener listen_on_loopback(const char* what, void (*prepare)(int socket)) {
  const PortRange range = port_range();
  Listener listener = try_at(loopback_address(4), range, prepare);
  if (!listener.socket && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
    listener = try_at(loopback_address(6), range, prepare);
  }
  if (!listener.socket) fail_to_listen(loopback_address(4), range, what);
  return listener;
}

}  // namespace tutti
