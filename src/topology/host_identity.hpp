// Which host a rank is on, in the sense that matters here: ranks with equal identities can open
// each other's memory and watch each other's processes.
#pragma once

#include <cstdint>
#include <string>

namespace tutti {

struct HostIdentity {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const HostIdentity&, const HostIdentity&) = default;
};

// Made of the kernel's boot id and the process's pid, network and IPC namespaces, so that two
// containers of one machine count as two hosts; or of TUTTI_HOST_ID alone, where that is set.
HostIdentity host_identity();

// 32 hexadecimal digits.
std::string to_string(const HostIdentity& identity);

}  // namespace tutti
