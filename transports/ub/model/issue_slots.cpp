#include "transports/ub/model/issue_slots.hpp"

#include <algorithm>

namespace tutti::ub {

IssueSlots::IssueSlots(const Topology& topology, const FaultSchedule& faults) : faults_(faults) {
  const auto& software = topology.profile().software;
  if (!software || software->row_issue_ns.units() == 0) return;
  cores_ = static_cast<std::size_t>(software->cores) *
           static_cast<std::size_t>(topology.units_per_rank());
  row_ = nanoseconds(software->row_issue_ns);
  turns_.resize(static_cast<std::size_t>(topology.ranks()));
  free_.resize(turns_.size() * cores_);
}

IssueSlots::Issue IssueSlots::take_cores(std::size_t rank, Picoseconds at, std::uint32_t rows) {
  Turn& turn = turns_[rank];
  Picoseconds* const cores = &free_[rank * cores_];
  const Picoseconds cost = row_ * faults_.core_percent(static_cast<int>(rank), at) / 100;
  // Each core in turn takes one row of every round; the first `rows % cores_` one more.
  const std::size_t used = std::min<std::size_t>(rows, cores_);
  Issue issue{};
  for (std::size_t i = 0; i < used; ++i) {
    const auto own_rows = static_cast<std::int64_t>((rows - i + cores_ - 1) / cores_);
    const Picoseconds start = std::max({at, cores[turn.core], turn.started});
    if (i == 0) issue.first = start;
    turn.started = start;
    cores[turn.core] = start + cost * own_rows;
    issue.last = std::max(issue.last, start + cost * (own_rows - 1));
    if (++turn.core == cores_) turn.core = 0;
  }
  // The core after the last row's is free first.
  turn.core = (turn.core + (rows - used) % cores_) % cores_;
  return issue;
}

}  // namespace tutti::ub
