#include "bootstrap/socket_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace tutti {

std::string to_string(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  const bool v6 = address.family == 6;
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof(text));
  return v6 ? fmt::format("[{}]:{}", text, address.port) : fmt::format("{}:{}", text, address.port);
}

SocketAddress loopback_address(std::uint16_t family) {
  SocketAddress address{.family = family};
  if (family == 6) {
    address.bytes.back() = 1;
  } else {
    address.bytes = {127, 0, 0, 1};
  }
  return address;
}

bool is_same_host(const SocketAddress& a, const SocketAddress& b) noexcept {
  return a.family == b.family && a.bytes == b.bytes;
}

bool is_loopback(const SocketAddress& address) noexcept {
  return address.family == 6 ? address.bytes == loopback_address(6).bytes : address.bytes[0] == 127;
}

bool is_unspecified(const SocketAddress& address) noexcept {
  return std::all_of(address.bytes.begin(), address.bytes.end(), [](auto b) { return b == 0; });
}

bool is_link_local(const SocketAddress& address) noexcept {
  const auto& b = address.bytes;
  return address.family == 6 ? b[0] == 0xfe && (b[1] & 0xc0) == 0x80 : b[0] == 169 && b[1] == 254;
}

socklen_t to_system(const SocketAddress& address, sockaddr_storage& name) noexcept {
  name = {};
  if (address.family == 6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof(v6.sin6_addr));
    std::memcpy(&name, &v6, sizeof(v6));
    return sizeof(v6);
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(address.port);
  std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof(v4.sin_addr));
  std::memcpy(&name, &v4, sizeof(v4));
  return sizeof(v4);
}

SocketAddress from_system(const sockaddr& name) noexcept {
  SocketAddress address;
  if (name.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &name, sizeof(v6));
    address.family = 6;
    address.port = ntohs(v6.sin6_port);
    std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
  } else if (name.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &name, sizeof(v4));
    address.port = ntohs(v4.sin_port);
    std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
  }
  return address;
}

SocketAddress local_end_of(int socket) noexcept {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
  return from_system(reinterpret_cast<const sockaddr&>(name));
}

}  // namespace tutti
