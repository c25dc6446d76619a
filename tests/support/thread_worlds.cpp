// Ranks are threads, on shared memory or on what TUTTI_TRANSPORT says.
#include <cstdlib>
#include <string_view>

#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {

std::span<const World> worlds() {
  static const char* const transport = std::getenv("TUTTI_TRANSPORT");
  static const bool shared = transport == nullptr || std::string_view(transport) == "shm";
  static const World kWorlds[] = {
      {"threads", shared, kSanitized ? 70'001 : 300'007,
       [](int ranks, const World::Body& body) { ThreadWorld(ranks).run(body); }},
  };
  return kWorlds;
}

}  // namespace tutti::test
