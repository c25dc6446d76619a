// Ranks are threads on shared memory.
#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {

std::span<const World> worlds() {
  static constexpr World kWorlds[] = {
      {"threads", true, kSanitized ? 70'001 : 300'007,
       [](int ranks, const World::Body& body) { ThreadWorld(ranks).run(body); }},
  };
  return kWorlds;
}

}  // namespace tutti::test
