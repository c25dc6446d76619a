#include "bootstrap/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace tutti {

namespace {

constexpr int kBacklog = 4096;  // all ranks may come at once

// Close-on-exec from birth, which Asio's own open() is not. No socket, and errno, when it fails.
Listener listen_by(std::uint16_t family, void (*prepare)(int socket)) {
  const bool v6 = family == 6;
  Descriptor socket(
      ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket && prepare != nullptr) prepare(socket.get());
  sockaddr_in a4{};
  sockaddr_in6 a6{};
  a4.sin_family = AF_INET;
  a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a6.sin6_family = AF_INET6;
  a6.sin6_addr = in6addr_loopback;
  auto* const name = v6 ? reinterpret_cast<sockaddr*>(&a6) : reinterpret_cast<sockaddr*>(&a4);
  socklen_t size = v6 ? sizeof(a6) : sizeof(a4);
  if (!socket || ::bind(socket.get(), name, size) != 0 || ::listen(socket.get(), kBacklog) != 0 ||
      ::getsockname(socket.get(), name, &size) != 0) {
    const int cause = errno;
    socket.close();
    errno = cause;
    return {};
  }
  SocketAddress address{.family = family, .port = ntohs(v6 ? a6.sin6_port : a4.sin_port)};
  if (v6) {
    std::memcpy(address.bytes.data(), &a6.sin6_addr, sizeof(a6.sin6_addr));
  } else {
    std::memcpy(address.bytes.data(), &a4.sin_addr, sizeof(a4.sin_addr));
  }
  return {std::move(socket), address};
}

}  // namespace

std::string to_string(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  const bool v6 = address.family == 6;
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof(text));
  return v6 ? fmt::format("[{}]:{}", text, address.port) : fmt::format("{}:{}", text, address.port);
}

Listener listen_on_loopback(const char* what, void (*prepare)(int socket)) {
  Listener listener = listen_by(4, prepare);
  if (!listener.socket) listener = listen_by(6, prepare);
  if (!listener.socket) fail_system("listening on loopback {}", what);
  return listener;
}

}  // namespace tutti
