#include "moe/bounds.hpp"

#include <algorithm>
#include <limits>

#include "moe/return_map.hpp"

namespace tutti::moe {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? kMost : result;
}

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_add_overflow(a, b, &result) ? kMost : result;
}

std::uint64_t natural(int value) { return value < 0 ? 0 : static_cast<std::uint64_t>(value); }

std::uint64_t max_tokens(const GroupSizes& sizes) {
  return times(natural(sizes.ranks), natural(sizes.limits.max_tokens));
}

}  // namespace

std::uint64_t max_entries(const GroupSizes& sizes) {
  return times(max_tokens(sizes), natural(std::min(sizes.limits.max_lanes, sizes.local_experts)));
}

std::uint64_t max_rows(const GroupSizes& sizes, const Layout& layout) {
  const std::uint64_t entries = max_entries(sizes);
  if (layout.kind == tuttiMoeLayoutToken) {
    return layout.rows_per == tuttiMoeRowsPerLane ? entries : std::min(entries, max_tokens(sizes));
  }
  // Every group that is not empty may end in align - 1 rows of padding; and no group is longer than
  // all tokens, rounded up.
  const std::uint64_t align = std::max(layout.align, 1u);
  const std::uint64_t experts = natural(sizes.local_experts);
  const std::uint64_t padded = plus(entries, times(std::min(experts, entries), align - 1));
  const std::uint64_t full_groups =
      times(experts, times(plus(max_tokens(sizes), align - 1) / align, align));
  return std::min(padded, full_groups);
}

TableBytes table_bytes(const GroupSizes& sizes) {
  const std::uint64_t lanes =
      times(natural(sizes.limits.max_tokens), natural(sizes.limits.max_lanes));
  return {.entries = times(lanes, sizeof(Entry)),
          .weights = times(lanes, sizeof(float)),
          .rows = times(max_entries(sizes), sizeof(std::uint32_t)),
          .heard = times(max_entries(sizes), sizeof(Entry)),
          .places = times(lanes, sizeof(RowPlace))};
}

std::uint64_t output_bytes(const GroupSizes& sizes, const Layout& layout, const RowBytes& bytes) {
  const std::uint64_t beside =
      layout.kind == tuttiMoeLayoutToken
          ? times(natural(sizes.limits.max_lanes), sizeof(std::int32_t) + sizeof(float))
          : sizeof(float);
  return times(max_rows(sizes, layout), plus(plus(bytes.row, bytes.side), beside));
}

}  // namespace tutti::moe
