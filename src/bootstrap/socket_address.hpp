// Where a socket listens, as ranks tell each other: an IP address and a port.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>

namespace tutti {

struct SocketAddress {
  std::uint16_t family = 4;  // 4 or 6
  std::uint16_t port = 0;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first 4

  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

// The same, whatever the ports.
bool is_same_host(const SocketAddress& a, const SocketAddress& b) noexcept;

// "127.0.0.1:4711", "[::1]:4711".
std::string to_string(const SocketAddress& address);

SocketAddress loopback_address(std::uint16_t family);
bool is_loopback(const SocketAddress& address) noexcept;
// Nobody's: 0.0.0.0 or ::.
bool is_unspecified(const SocketAddress& address) noexcept;
// Of use on one link only, and to who knows which: fe80::/10, 169.254/16.
bool is_link_local(const SocketAddress& address) noexcept;

// For system calls: fills `name`, returns its size; and back. An address of neither family becomes
// an unspecified one.
socklen_t to_system(const SocketAddress& address, sockaddr_storage& name) noexcept;
SocketAddress from_system(const sockaddr& name) noexcept;

// This end of a connected or bound socket; unspecified where the system does not tell.
SocketAddress local_end_of(int socket) noexcept;

}  // namespace tutti
