// Who acts in the simulation: a stream of a rank. Order among equals is decided by this, never by
// an address.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace tutti::ub {

// Stream 0 is the rank's own thread of calls. Rank kFabric is the fabric itself: what happens to
// nobody in particular, before what happens to a rank at that time.
struct Entity {
  static constexpr int kFabric = -1;
  static constexpr int kMaxRanks = (1 << 20) - 1;
  static constexpr int kMaxStreams = 1 << 12;

  int rank = kFabric;
  int stream = 0;

  // Ascends with (rank, stream); a different one for each.
  constexpr std::uint32_t code() const noexcept {
    return static_cast<std::uint32_t>(rank + 1) << 12 | static_cast<std::uint32_t>(stream);
  }
  friend constexpr bool operator==(const Entity&, const Entity&) = default;
};

// tuttiInvalidArgument for what code() has no room for.
inline void check_entity(const Entity& who) {
  if (who.rank >= Entity::kFabric && who.rank < Entity::kMaxRanks && who.stream >= 0 &&
      who.stream < Entity::kMaxStreams) {
    return;
  }
  fail(tuttiInvalidArgument, "no simulated rank {}, stream {}: ranks end at {}, streams at {}",
       who.rank, who.stream, Entity::kMaxRanks - 1, Entity::kMaxStreams - 1);
}

inline std::string to_string(const Entity& who) {
  if (who.rank == Entity::kFabric) return "the fabric";
  return who.stream == 0 ? fmt::format("rank {}", who.rank)
                         : fmt::format("rank {}, stream {}", who.rank, who.stream);
}

}  // namespace tutti::ub
