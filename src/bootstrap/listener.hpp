// Sockets that listen.
#pragma once

#include <optional>

#include "base/descriptor.hpp"
#include "bootstrap/socket_address.hpp"

namespace tutti {

struct Listener {
  Descriptor socket;  // non-blocking, close-on-exec
  SocketAddress address;
};

// Ports that listeners may have, both included.
struct PortRange {
  std::uint16_t first = 0;  // 0: any that the system chooses
  std::uint16_t last = 0;
};

// TUTTI_PORT_RANGE, "20000-20100"; any, where it is not set.
PortRange port_range();

// At `where`, at its port, or, where that is 0, at one that TUTTI_PORT_RANGE allows. `prepare`, if
// any, sets what connections are to inherit. tuttiSystemError that says `what` it was for, and
// which variable is to blame where it is one.
Listener listen_at(const SocketAddress& where, const char* what,
                   void (*prepare)(int socket) = nullptr);
// By IPv4 where there is it.
Listener listen_on_loopback(const char* what, void (*prepare)(int socket) = nullptr);

}  // namespace tutti
