// A group's configuration, checked and owned; and the memory that it takes.
#pragma once

#include <tutti/moe.h>

#include <array>
#include <cstdint>

#include "moe/bounds.hpp"
#include "moe/placement.hpp"
#include "moe/relays.hpp"

namespace tutti::moe {

// What ranks must agree on, in the order of kAgreedFields; the owners of all experts as one digest.
inline constexpr std::array<const char*, 9> kAgreedFields = {
    "num_experts",   "max_tokens_per_rank", "max_topk",
    "max_row_bytes", "max_side_bytes",      "max_inflight",
    "rows_per",      "memory_budget",       "expert_to_rank"};
using AgreedValues = std::array<std::uint64_t, kAgreedFields.size()>;

struct Config {
  Placement placement;
  RoutingLimits limits;
  std::size_t max_row_bytes = 0;
  std::size_t max_side_bytes = 0;
  int max_inflight = 2;
  tuttiMoeRowsPer_t rows_per = tuttiMoeRowsPerRank;
  Relays::Use relays = Relays::Use::kAuto;  // each rank's own
  AgreedValues agreed{};

  // tuttiInvalidArgument names the field; so does a memory budget that is too small.
  static Config checked(const tuttiMoeConfig_t* config, int ranks);

  GroupSizes sizes(int rank) const;
};

// The largest figures of any rank.
tuttiMoeMemory_t query_memory(const Config& config, int ranks);

}  // namespace tutti::moe
