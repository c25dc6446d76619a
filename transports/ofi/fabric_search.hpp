// Whether there is a network of libfabric's that ranks of several hosts should take though nobody
// asks for it.
#pragma once

#include <string>

namespace tutti::ofi {

struct FabricSearch {
  std::string name{};     // of the provider; empty: there is none
  std::string why_not{};  // then; for people
};

// What of a provider is asked for that. No names: what it can do.
struct ProviderFacts {
  std::string name;
  bool reaches_hosts = false;    // other ones
  bool tells_of_writes = false;  // writes into memory, and tells its owner
  bool has_device = false;       // of its own
  bool over_sockets = false;     // its device is an interface of the kernel's
};

// Empty: it is a fabric, which is faster than the kernel's TCP. What goes through the kernel's
// sockets is not: transport tcp is the shorter way there.
std::string why_no_fabric(const ProviderFacts& facts);

// Has this host a device that could be one? As the kernel lists them, under `classes`. Loads
// nothing.
bool has_fabric_device(const std::string& classes = "/sys/class");

// libfabric is loaded where there is a device only. What it lacks then is a reason, not an error.
FabricSearch search_fabric();

}  // namespace tutti::ofi
