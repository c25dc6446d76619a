// How much a rank can receive, and the memory that takes: pure arithmetic on a group's sizes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "moe/arrivals.hpp"
#include "moe/routing.hpp"

namespace tutti::moe {

// The sizes of a group that bound what a rank with `local_experts` experts receives.
struct GroupSizes {
  int ranks = 1;
  int local_experts = 0;
  RoutingLimits limits;
};

// (token, lane) pairs that can arrive: an expert occurs once per token, so a token brings at most
// min(max_lanes, local_experts).
std::uint64_t max_entries(const GroupSizes& sizes);

// Rows that any step can deliver in `layout`, padding included. Saturates instead of wrapping.
std::uint64_t max_rows(const GroupSizes& sizes, const Layout& layout);

// Bytes of one plan's tables.
struct TableBytes {
  std::uint64_t entries = 0;  // at the source: [T, K] of Entry
  std::uint64_t weights = 0;  // at the source: [T, K] of float
  std::uint64_t rows = 0;     // at the receiver: [max_entries] of uint32
  std::uint64_t heard = 0;    // at the receiver: [max_entries] of Entry
  std::uint64_t places = 0;   // at the source: [T, K] of RowPlace
  std::uint64_t total() const noexcept { return entries + weights + rows + heard + places; }
};
TableBytes table_bytes(const GroupSizes& sizes);

// Bytes of one output in `layout`: rows, side, and ids and weights ([rows, K] each in TOKEN,
// weights [rows] in EXPERT).
struct RowBytes {
  std::size_t row = 0;
  std::size_t side = 0;
};
std::uint64_t output_bytes(const GroupSizes& sizes, const Layout& layout, const RowBytes& bytes);

}  // namespace tutti::moe
