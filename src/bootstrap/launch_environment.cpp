// Reads and checks the launcher's variables.
#include "bootstrap/launch_environment.hpp"

#include <charconv>
#include <string>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "bootstrap/meeting_wire.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace {

std::string require(const char* name) {
  const auto value = env_string(name);
  if (!value) {
    fail(tuttiInvalidUsage,
         "no launcher's world: the environment variable {} is not set (start the program with "
         "tutti-run)",
         name);
  }
  return *value;
}

int require_number(const char* name, int least, int most) {
  const std::string text = require(name);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    fail(tuttiInvalidUsage, "{}='{}': expected a number from {} to {}", name, text, least, most);
  }
  return number;
}

}  // namespace

LaunchEnvironment read_launch_environment() {
  LaunchEnvironment world;
  world.ranks =
      require_number(LaunchEnvironment::kWorldSize, 1, static_cast<int>(wire::kMostRanks));
  world.rank = require_number(LaunchEnvironment::kRank, 0, world.ranks - 1);
  const std::string id = require(LaunchEnvironment::kUniqueId);
  try {
    world.id = decode(id);
  } catch (const Error& error) {
    fail(tuttiInvalidUsage, "{}='{}': {}", LaunchEnvironment::kUniqueId, id, error.what());
  }
  return world;
}

}  // namespace tutti
