#include "moe/config.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "channel/layout.hpp"

namespace tutti::moe {

namespace {

template <typename Value>
void check_range(const char* field, Value value, Value min, Value max) {
  if (value >= min && value <= max) return;
  fail(tuttiInvalidArgument, "config->{} is {}, expected {} to {}", field, value, min, max);
}

std::uint64_t mix(std::uint64_t digest, std::uint64_t value) {
  return (digest ^ value) * 0x9E3779B97F4A7C15u;
}

}  // namespace

Config Config::checked(const tuttiMoeConfig_t* config, int ranks) {
  if (config == nullptr) fail(tuttiInvalidArgument, "config is NULL");
  if (config->size != sizeof(tuttiMoeConfig_t)) {
    fail(tuttiInvalidArgument,
         "config->size is {}, expected {}: start from TUTTI_MOE_CONFIG_INITIALIZER", config->size,
         sizeof(tuttiMoeConfig_t));
  }
  if (ranks < 1) fail(tuttiInvalidArgument, "nranks is {}, expected 1 or more", ranks);
  check_range("num_experts", config->num_experts, 1, kMaxExperts);
  check_range("max_tokens_per_rank", config->max_tokens_per_rank, 1, 1 << 24);
  check_range("max_topk", config->max_topk, 1, TUTTI_MOE_MAX_TOPK);
  check_range<std::size_t>("max_row_bytes", config->max_row_bytes, 1, std::size_t{1} << 30);
  check_range<std::size_t>("max_side_bytes", config->max_side_bytes, 0, std::size_t{1} << 30);
  check_range("max_inflight", config->max_inflight, 1, 64);
  check_range("rows_per", static_cast<int>(config->rows_per), 0, 1);
  if (config->flags != 0) {
    fail(tuttiInvalidArgument, "config->flags is {}, expected 0", config->flags);
  }
  const auto experts = static_cast<std::size_t>(config->num_experts);
  // Where a row a lane is read, none is read once for others; and a budget has no room for what
  // others read here.
  const auto relays = Relays::use_of_environment();
  const bool may_relay = config->rows_per == tuttiMoeRowsPerRank && config->memory_budget == 0;
  Config result{
      .placement = config->expert_to_rank == nullptr
                       ? Placement::contiguous(config->num_experts, ranks)
                       : Placement::from_owners({config->expert_to_rank, experts}, ranks),
      .limits = {.max_tokens = config->max_tokens_per_rank, .max_lanes = config->max_topk},
      .max_row_bytes = config->max_row_bytes,
      .max_side_bytes = config->max_side_bytes,
      .max_inflight = config->max_inflight,
      .rows_per = config->rows_per,
      .relays = may_relay ? relays : Relays::Use::kNever};
  std::uint64_t owners = 1;
  for (int e = 0; e < config->num_experts; ++e) {
    owners = mix(owners, static_cast<std::uint64_t>(result.placement.owner(e)));
  }
  result.agreed = {static_cast<std::uint64_t>(config->num_experts),
                   static_cast<std::uint64_t>(config->max_tokens_per_rank),
                   static_cast<std::uint64_t>(config->max_topk),
                   config->max_row_bytes,
                   config->max_side_bytes,
                   static_cast<std::uint64_t>(config->max_inflight),
                   static_cast<std::uint64_t>(config->rows_per),
                   config->memory_budget,
                   owners};
  if (config->memory_budget != 0) {
    const tuttiMoeMemory_t memory = query_memory(result, ranks);
    const std::size_t needed =
        memory.control_bytes + memory.staging_bytes +
        static_cast<std::size_t>(config->max_inflight) * (memory.plan_bytes + memory.output_bytes);
    if (needed > config->memory_budget) {
      fail(tuttiInvalidArgument,
           "config->memory_budget is {} bytes, but {} plans in flight take up to {}",
           config->memory_budget, config->max_inflight, needed);
    }
  }
  return result;
}

GroupSizes Config::sizes(int rank) const {
  return {.ranks = placement.ranks(), .local_experts = placement.count_of(rank), .limits = limits};
}

tuttiMoeMemory_t query_memory(const Config& config, int ranks) {
  GroupSizes sizes = config.sizes(0);
  sizes.local_experts = config.placement.largest_count();
  const RowBytes bytes{.row = config.max_row_bytes, .side = config.max_side_bytes};
  const Layout token{tuttiMoeLayoutToken, config.rows_per, 1};
  const Layout expert{tuttiMoeLayoutExpert, config.rows_per, 1};
  const std::size_t tokens = static_cast<std::size_t>(config.limits.max_tokens);
  const TableBytes table = table_bytes(sizes);
  return {.control_bytes = control_layout({.ranks = static_cast<unsigned>(ranks)}).bytes(),
          .staging_bytes = static_cast<std::size_t>(config.max_inflight) * tokens *
                           (config.max_row_bytes + config.max_side_bytes),
          // Entries and weights are kept twice: peers may still read those of the step before.
          .plan_bytes = table.total() + table.entries + table.weights,
          .output_bytes =
              std::max(output_bytes(sizes, token, bytes), output_bytes(sizes, expert, bytes))};
}

}  // namespace tutti::moe
