// From a host's name to an address.
#pragma once

#include <chrono>
#include <string>

#include "bootstrap/socket_address.hpp"

namespace tutti {

// An IPv4 address where the name has one, so that all ranks find the same; port 0. Repeats while
// nobody knows the name (a pod that has just begun), until the deadline: tuttiTimeout, with what
// the resolver says.
SocketAddress resolve(const std::string& host, std::chrono::steady_clock::time_point deadline);

// The address that the text is, if it is one.
bool is_address(const std::string& host);

}  // namespace tutti
