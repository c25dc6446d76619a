// Whether a name or an address is this host's.
#pragma once

#include <string>

#include "bootstrap/socket_address.hpp"

namespace tutti {

// Of an interface that is up; ports do not matter.
bool is_own_address(const SocketAddress& address);

// True for this host's name, with or without a domain, and for addresses of its interfaces.
bool is_this_host(const std::string& name_or_address);

}  // namespace tutti
