// What a launcher (tutti-run) tells a process about the world it belongs to.
#pragma once

#include <tutti/tutti.h>

#include <tutti/transport.hpp>

namespace tutti {

struct LaunchEnvironment {
  static constexpr const char* kRank = "TUTTI_RANK";
  static constexpr const char* kWorldSize = "TUTTI_WORLD_SIZE";
  static constexpr const char* kLocalRank =
      "TUTTI_LOCAL_RANK";  // for programs; not read by the library
  static constexpr const char* kUniqueId = "TUTTI_UNIQUE_ID";

  Rank rank = 0;
  int ranks = 1;
  tuttiUniqueId id{};
};

// tuttiInvalidUsage naming the variable that is missing or malformed, and its value.
LaunchEnvironment read_launch_environment();

}  // namespace tutti
