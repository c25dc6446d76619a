// Who wrote each byte last, and who has read it since: ranges of addresses.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "transports/ub/race/access.hpp"

namespace tutti::ub {

// A write stands for everything before it that it was ordered behind, so that one is kept, and the
// reads since.
struct AccessCell {
  std::uintptr_t end = 0;
  MemoryAccess write;
  std::vector<MemoryAccess> reads;

  bool empty() const noexcept { return write.kind == AccessKind::kNone && reads.empty(); }
};

class AccessMap {
 public:
  using Address = std::uintptr_t;

  // Calls visit(first, cell) for each part of [begin, end) in order, `end` of the part in the cell.
  // Parts of which nothing is known are made.
  template <typename Visit>
  void visit(Address begin, Address end, const Visit& visit_part) {
    split(begin);
    split(end);
    auto next = cells_.lower_bound(begin);
    for (Address at = begin; at < end;) {
      if (next == cells_.end() || next->first > at) {
        const Address stop = next == cells_.end() ? end : std::min(end, next->first);
        next = cells_.emplace_hint(next, at, AccessCell{.end = stop});
      }
      visit_part(next->first, next->second);
      at = next->second.end;
      ++next;
    }
  }

  // Nothing is known of [begin, end) but `write`, unless that is none.
  void replace(Address begin, Address end, const MemoryAccess& write) {
    split(begin);
    split(end);
    const auto next = cells_.erase(cells_.lower_bound(begin), cells_.lower_bound(end));
    if (write.kind == AccessKind::kNone) return;
    cells_.emplace_hint(next, begin, AccessCell{.end = end, .write = write});
  }

  // Forgets what old(access) says.
  template <typename Old>
  void sweep(const Old& old) {
    for (auto cell = cells_.begin(); cell != cells_.end();) {
      AccessCell& here = cell->second;
      std::erase_if(here.reads, old);
      if (here.reads.empty()) here.reads.shrink_to_fit();
      if (here.write.kind != AccessKind::kNone && old(here.write)) here.write = {};
      cell = here.empty() ? cells_.erase(cell) : std::next(cell);
    }
  }

  std::size_t cells() const noexcept { return cells_.size(); }

 private:
  void split(Address at) {
    const auto behind = cells_.lower_bound(at);
    if (behind == cells_.begin()) return;
    const auto cell = std::prev(behind);
    if (cell->second.end <= at) return;
    AccessCell rest = cell->second;
    cell->second.end = at;
    cells_.emplace_hint(behind, at, std::move(rest));
  }

  std::map<Address, AccessCell> cells_;
};

}  // namespace tutti::ub
