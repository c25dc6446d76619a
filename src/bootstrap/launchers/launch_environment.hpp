// What tutti-run tells a process about the world it belongs to. Others may set the same variables.
#pragma once

#include <tutti/tutti.h>

#include <tutti/transport.hpp>

namespace tutti {

struct LaunchEnvironment {
  static constexpr const char* kRank = "TUTTI_RANK";
  static constexpr const char* kWorldSize = "TUTTI_WORLD_SIZE";
  static constexpr const char* kLocalRank = "TUTTI_LOCAL_RANK";
  static constexpr const char* kUniqueId = "TUTTI_UNIQUE_ID";
  static constexpr const char* kBootstrap = "TUTTI_BOOTSTRAP";
  static constexpr const char* kBootstrapValue = "tutti";

  Rank rank = 0;
  int ranks = 1;
  tuttiUniqueId id{};
};

// tuttiInvalidUsage naming the variable that is missing or malformed, and its value.
LaunchEnvironment read_launch_environment();

}  // namespace tutti
