// The cores of each rank as what starts rows: a core starts a row, is busy with it for a while, and
// starts the next one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "transports/ub/model/fault_schedule.hpp"
#include "transports/ub/model/topology.hpp"

namespace tutti::ub {

// Rows take cores in turn, which is the core that is free first, as every row costs the same.
// Invariant: the first starts of a rank's calls never go back in time.
class IssueSlots {
 public:
  struct Issue {
    Picoseconds first;  // when the first row starts
    Picoseconds last;
  };

  IssueSlots(const Topology& topology, const FaultSchedule& faults);

  Issue take(int rank, Picoseconds at, std::uint32_t rows) {
    const auto place = static_cast<std::size_t>(rank);
    if (cores_ == 0) return at_once(turns_[place], at);
    if (rows != 1) return take_cores(place, at, rows);
    const Picoseconds start = take_core(place, at, cost_of_row(place, at));
    return {start, start};
  }

 private:
  struct Turn {
    std::size_t core = 0;
    Picoseconds started{};
  };

  static Issue at_once(Turn& turn, Picoseconds at) {
    turn.started = std::max(at, turn.started);
    return {turn.started, turn.started};
  }
  Picoseconds cost_of_row(std::size_t rank, Picoseconds at) const {
    return row_ * faults_.core_percent(static_cast<int>(rank), at) / 100;
  }
  // The rank's next core is busy for so long, from when it starts.
  Picoseconds take_core(std::size_t rank, Picoseconds at, Picoseconds busy) {
    Turn& turn = turns_[rank];
    Picoseconds& free = free_[rank * cores_ + turn.core];
    turn.started = std::max({at, free, turn.started});
    free = turn.started + busy;
    if (++turn.core == cores_) turn.core = 0;
    return turn.started;
  }
  Issue take_cores(std::size_t rank, Picoseconds at, std::uint32_t rows);

  const FaultSchedule& faults_;
  std::size_t cores_ = 0;  // per rank; 0: rows start at once
  Picoseconds row_{};
  std::vector<Turn> turns_;        // [rank]
  std::vector<Picoseconds> free_;  // [rank][core]
};

}  // namespace tutti::ub
