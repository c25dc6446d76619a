#include "transports/ub/bus/core_pace.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "transports/ub/engine/mix.hpp"
#include "transports/ub/model/rate.hpp"

namespace tutti::ub {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kMillion = 1'000'000;

}  // namespace

CorePace::CorePace(const Topology& topology, const FaultSchedule& faults,
                   const JitterOptions& jitter)
    : faults_(faults), seed_(jitter.seed), drawn_(static_cast<std::size_t>(topology.ranks())) {
  const auto& software = topology.profile().software;
  const int percent = jitter.percent.value_or(software ? software->jitter_percent : 0);
  if (percent < 0 || percent > 100) {
    fail(tuttiInvalidArgument, "jitter of {} percent, expected 0 to 100", percent);
  }
  amplitude_ = percent * (kMillion / 100);
}

Picoseconds CorePace::stretched(int rank, Picoseconds work, std::int64_t percent) {
  std::int64_t parts = kMillion;
  if (amplitude_ != 0) {
    const auto place = static_cast<std::uint64_t>(rank);
    const std::uint64_t number = drawn_[static_cast<std::size_t>(rank)]++;
    const std::uint64_t draw = split_mix64(split_mix64(split_mix64(seed_) ^ place) ^ number);
    parts += static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(2 * amplitude_ + 1));
    parts -= amplitude_;
  }
  const Wide product = Wide{work.count()} * percent * parts;
  const Wide whole = Wide{100} * kMillion;
  return Picoseconds(
      static_cast<std::int64_t>(std::min((product + whole - 1) / whole, Wide{kLongestTime})));
}

}  // namespace tutti::ub
