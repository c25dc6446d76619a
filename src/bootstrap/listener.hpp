// Sockets that listen, and their addresses as ranks tell each other.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/descriptor.hpp"

namespace tutti {

struct SocketAddress {
  std::uint16_t family = 4;  // 4 or 6
  std::uint16_t port = 0;
  std::uint32_t scope = 0;               // of a link-local IPv6 address
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first 4
};

// "127.0.0.1:4711", "[::1]:4711".
std::string to_string(const SocketAddress& address);

struct Listener {
  Descriptor socket;  // non-blocking, close-on-exec
  SocketAddress address;
};

// On a port that the system chooses, by IPv4 where there is it. `prepare`, if any, sets what
// connections are to inherit. tuttiSystemError that says `what` it was for.
Listener listen_on_loopback(const char* what, void (*prepare)(int socket) = nullptr);

}  // namespace tutti
