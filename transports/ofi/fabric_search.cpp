#include "transports/ofi/fabric_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

namespace tutti::ofi {

std::string why_no_fabric(const ProviderFacts& facts) {
  const auto because = [&facts](const char* why) {
    return fmt::format("libfabric's provider {} {}", facts.name, why);
  };
  if (!facts.reaches_hosts) return because("reaches this host only");
  if (!facts.tells_of_writes) return because("does not write into memory and tell its owner");
  if (!facts.has_device) return because("has no device of its own");
  if (facts.over_sockets) return because("goes through the kernel's sockets");
  return {};
}

// Verbs devices, EFA's and Omni-Path's among them, and Slingshot's.
bool has_fabric_device(const std::string& classes) {
  constexpr std::array<const char*, 2> kClasses = {"infiniband", "cxi"};
  return std::any_of(kClasses.begin(), kClasses.end(), [&classes](const char* name) {
    std::error_code failed;
    const std::filesystem::directory_iterator devices(std::filesystem::path(classes) / name,
                                                      failed);
    return !failed && devices != std::filesystem::directory_iterator();
  });
}

}  // namespace tutti::ofi
