// Whether a name or an address is this host's.
#pragma once

#include <string>

namespace tutti {

// True for this host's name, with or without a domain, and for addresses of its interfaces.
bool is_this_host(const std::string& name_or_address);

}  // namespace tutti
