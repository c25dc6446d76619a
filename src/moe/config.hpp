// A group's configuration, checked and owned; and the memory that it takes.
#pragma once

#include <tutti/moe.h>

#include <cstdint>

#include "moe/bounds.hpp"
#include "moe/placement.hpp"

namespace tutti::moe {

struct Config {
  Placement placement;
  RoutingLimits limits;
  std::size_t max_row_bytes = 0;
  std::size_t max_side_bytes = 0;
  int max_inflight = 2;
  tuttiMoeRowsPer_t rows_per = tuttiMoeRowsPerRank;
  std::uint64_t digest = 0;  // of everything, for comparing ranks

  // tuttiInvalidArgument names the field; so does a memory budget that is too small.
  static Config checked(const tuttiMoeConfig_t* config, int ranks);

  GroupSizes sizes(int rank) const;
};

// The largest figures of any rank.
tuttiMoeMemory_t query_memory(const Config& config, int ranks);

}  // namespace tutti::moe
