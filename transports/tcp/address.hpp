// Where a process listens, as ranks tell each other.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tutti::tcp {

// Tells apart the processes that listen, as long as there are any.
using NodeId = std::array<std::byte, 16>;

struct Address {
  std::uint16_t family = 4;  // 4 or 6
  std::uint16_t port = 0;
  std::uint32_t scope = 0;               // of a link-local IPv6 address
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first 4
};

// "127.0.0.1:4711", "[::1]:4711".
std::string to_string(const Address& address);

}  // namespace tutti::tcp
