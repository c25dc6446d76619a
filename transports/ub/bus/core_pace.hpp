// How long a rank's cores really take for what takes others a given time: slow ranks, and chance.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "transports/ub/model/fault_schedule.hpp"

namespace tutti::ub {

struct JitterOptions {
  std::optional<int> percent;  // instead of the profile's jitter_percent; 0 to 100
  std::uint64_t seed = 1;
};

// Jitter is drawn for each piece of work by a hash of (seed, rank, number of the piece on that
// rank), so that a rank's draws do not depend on what others do. In parts of a million, evenly from
// -percent to +percent: the mean stays.
class CorePace {
 public:
  // tuttiInvalidArgument for a percentage that is none. `faults` outlives it.
  CorePace(const Topology& topology, const FaultSchedule& faults, const JitterOptions& jitter);

  // What the next piece of work of `rank` takes if it begins at `now`; rounded up.
  Picoseconds next(int rank, Picoseconds work, Picoseconds now) {
    const std::int64_t percent = faults_.core_percent(rank, now);
    if (percent == 100 && amplitude_ == 0) return work;
    return stretched(rank, work, percent);
  }

 private:
  Picoseconds stretched(int rank, Picoseconds work, std::int64_t percent);

  const FaultSchedule& faults_;
  std::int64_t amplitude_ = 0;  // in parts of a million
  std::uint64_t seed_;
  std::vector<std::uint64_t> drawn_;  // [rank]: pieces of work so far
};

}  // namespace tutti::ub
