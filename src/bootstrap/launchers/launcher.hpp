// What a launcher is to tuttiCommInitWorld: who says which rank this process is, and a way to meet.
#pragma once

#include <tutti/tutti.h>

#include <optional>
#include <string>
#include <string_view>
#include <tutti/transport.hpp>

namespace tutti {

// The world of this process: what tuttiCommInitRank needs.
struct World {
  Rank rank = 0;
  int ranks = 1;
  tuttiUniqueId id{};
  // The id was worked out rather than received: rank 0 may not listen there yet.
  bool awaited = false;
};

// What a launcher's variables say about this process.
struct Claim {
  std::optional<Rank> rank;
  std::optional<int> ranks;  // not every launcher's variables tell
  std::string evidence;      // the variables, for sentences: "RANK=1, WORLD_SIZE=4"
  // The launcher is known to have started this very process, whatever other launcher started the
  // launcher: their ranks are of other worlds then.
  bool innermost = false;
};

struct Launcher {
  std::string_view name;   // as TUTTI_BOOTSTRAP says it
  std::string_view title;  // for sentences
  // Whether its variables are set.
  bool (*here)();
  // tuttiInvalidUsage naming a variable that is missing or malformed.
  Claim (*claim)();
  // How the ranks of the claim meet; may exchange with the launcher or other ranks for `timeout`.
  World (*meet)(const Claim& claim, Nanoseconds timeout);
};

extern const Launcher kTuttiRun, kRankTable, kTorchrun, kPmix, kPmi, kKubernetes;

}  // namespace tutti
