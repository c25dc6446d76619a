// Names of pods ("trainer-3" is pod 3 of "trainer").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tutti {

struct Pod {
  std::string owner;  // the Job or StatefulSet
  int ordinal = 0;
};

// nullopt where the name, up to its first dot, does not end in a dash and a number without leading
// zeros.
std::optional<Pod> pod_of(std::string_view host_name);

}  // namespace tutti
