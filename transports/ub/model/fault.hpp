// What goes wrong in a fabric, and when. Data: the same list gives the same run.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

struct Fault {
  enum class Kind : std::uint8_t {
    kPlane,     // plane `plane` of `network`, everywhere
    kLink,      // between `rank` and plane `plane`
    kPort,      // the trunk port of `node` to plane `plane`: traffic within the node goes on
    kNode,      // all ranks of `node`: what is sent to or from them is lost
    kRank,      // one rank, in the same way
    kSlowLink,  // the link has `percent` of its bandwidth
    kSlowRank,  // whatever the rank's cores do takes `percent` of the time, 200 is twice
  };
  // Chosen by seed and position in the list, among what the run has.
  static constexpr int kAny = -1;

  Kind kind = Kind::kPlane;
  Picoseconds at{};
  int network = 0;  // index into Profile::networks
  int plane = kAny;
  int rank = kAny;  // a number of the run, not of the fabric
  int node = kAny;  // as a position among the nodes that the run has
  int percent = 100;
};
inline constexpr std::array<std::string_view, 7> kFaultKindNames = {
    "plane", "link", "port", "node", "rank", "slow_link", "slow_rank"};
// Of ranks rather than of what lies between them.
constexpr bool is_end(Fault::Kind kind) noexcept {
  return kind == Fault::Kind::kNode || kind == Fault::Kind::kRank;
}

}  // namespace tutti::ub
