// The limit of open descriptors.
#pragma once

#include <sys/resource.h>

#include <string>

namespace tutti::launcher {

// Makes room for so many descriptors, and some others. Returns the limit that the user set.
// tuttiSystemError, "20 ranks need 52 descriptors, ...", where that cannot be.
rlimit raise_descriptor_limit(int descriptors, const std::string& for_what);

}  // namespace tutti::launcher
