// The deadlines of parked fibres. Almost none of them ever comes, so a fibre that parks again and
// again with later deadlines touches this once in a while only.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "transports/ub/engine/turn.hpp"

namespace tutti::ub {

struct FibreRecord;

// A fibre has at most one entry, whose time is never after its deadline: it stays when the fibre
// goes on, and is put right when it comes first. So the first entry is a lower bound of all
// deadlines, and the first deadline after due_by() has looked.
class Deadlines {
 private:
  struct Entry {
    Picoseconds time;
    std::uint32_t place;
    std::uint64_t born;
    FibreRecord* fibre;
    friend bool operator<(const Entry& a, const Entry& b) noexcept {
      if (a.time != b.time) return a.time < b.time;
      if (a.place != b.place) return a.place < b.place;
      return a.born < b.born;
    }
  };

 public:
  // Where a fibre's entry is: a member of its record.
  using Place = std::optional<std::set<Entry>::iterator>;

  explicit Deadlines(const Placement& placement) noexcept : placement_(placement) {}

  // `fibre` has parked with fibre.deadline.
  void want(FibreRecord& fibre);
  // `fibre` ends.
  void forget(FibreRecord& fibre) noexcept;

  // No deadline is earlier.
  Picoseconds bound() const noexcept { return bound_; }

  // The parked fibre whose deadline comes first, if that is not after `time`.
  FibreRecord* due_by(Picoseconds time);

  void clear() noexcept;

 private:
  void move(FibreRecord& fibre);
  void update_bound() noexcept { bound_ = entries_.empty() ? kNever : entries_.begin()->time; }

  const Placement& placement_;  // the scheduler's, which owns this
  std::set<Entry> entries_;
  Picoseconds bound_ = kNever;
};

}  // namespace tutti::ub
