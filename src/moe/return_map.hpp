// Where a source finds its tokens' rows in combine: for every place in its routing, which rank and
// which row of that rank's layout.
//
// Shape [n, k] of RowPlace, in one of two orders:
//   by lane: places[token, lane] is the row of that lane (SOURCE_ONLY adds in this order);
//   by rank: the rows of a token, each once, in ascending (rank, row), then rank -1 (rank-order
//   combine).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moe/routing.hpp"

namespace tutti::moe {

struct RowPlace {
  std::int32_t rank = -1;  // -1: no row
  std::uint32_t row = 0;

  friend bool operator==(const RowPlace&, const RowPlace&) = default;
};

// rows[d] = Arrivals::rows_of(this source) on rank d, parallel to table.entries_for(d). `places`
// holds n * k and is written whole.
void map_by_lane(const RoutingTable& table, std::span<const std::span<const std::uint32_t>> rows,
                 std::span<RowPlace> places);
void map_by_rank(const RoutingTable& table, std::span<const std::span<const std::uint32_t>> rows,
                 std::span<RowPlace> places);

}  // namespace tutti::moe
