#include "transports/ub/bus/work_costs.hpp"

#include <algorithm>
#include <bit>

namespace tutti::ub {

namespace {

Picoseconds times(std::int64_t count, Picoseconds each) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(count, each.count(), &product)) return Picoseconds(kLongestTime);
  return Picoseconds(std::min(product, kLongestTime));
}

// Both at most kLongestTime.
Picoseconds sum(Picoseconds a, Picoseconds b) { return std::min(a + b, Picoseconds(kLongestTime)); }

}  // namespace

WorkCosts::WorkCosts(const Topology& topology) {
  const auto& software = topology.profile().software;
  if (!software) return;
  free_ = false;
  const std::int64_t units = topology.units_per_rank();
  const auto of_all_units = [&](Decimal GBps) {
    return Rate::of_GBps(GBps).scaled(static_cast<std::uint64_t>(units), 1);
  };
  cores_ = software->cores * units;
  entry_ = nanoseconds(software->operator_entry_ns);
  sync_ = nanoseconds(software->core_sync_ns);
  count_ = nanoseconds(software->count_ns);
  poll_ = nanoseconds(software->poll_ns);
  flag_ = Picoseconds((nanoseconds(software->flag_ns).count() + cores_ - 1) / cores_);
  load_ = Rate::of_GBps(software->token_load_GBps);
  quantise_ = Rate::of_GBps(software->quantise_GBps);
  copy_ = of_all_units(software->local_copy_GBps);
  reduce_ = of_all_units(software->reduce_GBps);
}

std::int64_t WorkCosts::rounds(std::size_t count) const {
  const auto cores = static_cast<std::size_t>(cores_);
  return static_cast<std::int64_t>(count / cores + (count % cores != 0 ? 1 : 0));
}

// A prefix sum over cores: those that have a part of it pass sums on in steps of 1, 2, 4, ... and
// wait for each other after every step.
std::int64_t WorkCosts::scan_stages(std::size_t count) const {
  return std::bit_width(std::min(count, static_cast<std::size_t>(cores_)) - 1);
}

Picoseconds WorkCosts::of(const LocalWork& work) const {
  using Kind = LocalWork::Kind;
  if (free_ || work.count == 0) return {};
  switch (work.kind) {
    case Kind::kEntry:
      return entry_;
    case Kind::kSync:
      return sync_;
    case Kind::kLoad:
      return times(rounds(work.count), load_.time(work.bytes));
    case Kind::kQuantise: {
      // The first token goes through both stages, every other one leaves the slower stage after it.
      const Picoseconds load = load_.time(work.bytes);
      const Picoseconds quantise = quantise_.time(work.bytes);
      return sum(sum(load, quantise), times(rounds(work.count) - 1, std::max(load, quantise)));
    }
    case Kind::kCounts:
      return sum(times(rounds(work.count), count_), times(scan_stages(work.count), sync_));
    case Kind::kLooks:
      // A core asks for all its words at once, and waits for the first.
      return sum(poll_, times(rounds(work.count) - 1, count_));
    case Kind::kCopy:
      return copy_.time(work.bytes);
    case Kind::kReduce:
      return reduce_.time(work.bytes);
  }
  return {};
}

}  // namespace tutti::ub
