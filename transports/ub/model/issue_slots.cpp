#include "transports/ub/model/issue_slots.hpp"

#include <algorithm>

namespace tutti::ub {

IssueSlots::IssueSlots(const Topology& topology, const FaultSchedule& faults)
    : faults_(faults), turns_(static_cast<std::size_t>(topology.ranks())) {
  const auto& software = topology.profile().software;
  if (!software || software->row_issue_ns.units() == 0) return;
  cores_ = static_cast<std::size_t>(software->cores) *
           static_cast<std::size_t>(topology.units_per_rank());
  row_ = nanoseconds(software->row_issue_ns);
  free_.resize(turns_.size() * cores_);
}

IssueSlots::Issue IssueSlots::take_cores(std::size_t rank, Picoseconds at, std::uint32_t rows) {
  const Picoseconds cost = cost_of_row(rank, at);
  // Each core in turn takes one row of every round; the first `rows % cores_` one more.
  const std::size_t used = std::min<std::size_t>(rows, cores_);
  Issue issue{};
  for (std::size_t i = 0; i < used; ++i) {
    const auto own_rows = static_cast<std::int64_t>((rows - i + cores_ - 1) / cores_);
    const Picoseconds start = take_core(rank, at, cost * own_rows);
    if (i == 0) issue.first = start;
    issue.last = std::max(issue.last, start + cost * (own_rows - 1));
  }
  // The core after the last row's is free first.
  std::size_t& core = turns_[rank].core;
  core = (core + (rows - used) % cores_) % cores_;
  return issue;
}

}  // namespace tutti::ub
