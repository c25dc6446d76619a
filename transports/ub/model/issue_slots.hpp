// The cores of each rank as what starts rows: a core starts a row, is busy with it for a while, and
// starts the next one.
#pragma once

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
    return cores_ == 0 ? Issue{at, at} : take_cores(static_cast<std::size_t>(rank), at, rows);
  }

 private:
  struct Turn {
    std::size_t core = 0;
    Picoseconds started{};
  };

  Issue take_cores(std::size_t rank, Picoseconds at, std::uint32_t rows);

  const FaultSchedule& faults_;
  std::size_t cores_ = 0;  // per rank; 0: rows start at once
  Picoseconds row_{};
  std::vector<Turn> turns_;        // [rank]
  std::vector<Picoseconds> free_;  // [rank][core]
};

}  // namespace tutti::ub
