#include "moe/routing.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tutti::moe {
namespace {

template <typename Index>
const Index* row_of(const TopK& topk, int token) {
  return static_cast<const Index*>(topk.indices) +
         static_cast<std::size_t>(token) * topk.row_stride;
}

// Entry `lane` of `row` names an expert a second time: the sentence says which lane was first.
template <typename Index>
[[noreturn]] void fail_repeated(const Index* row, int token, int lane) {
  const auto first = std::find(row, row + lane, row[lane]) - row;
  fail(tuttiInvalidArgument, "token {} names expert {} twice, in lanes {} and {}", token, row[lane],
       first, lane);
}

void check_shape(const TopK& topk, const RoutingLimits& limits) {
  if (topk.tokens < 0 || topk.tokens > limits.max_tokens) {
    fail(tuttiInvalidArgument, "n is {}: this group was made for 0 to {} tokens a rank",
         topk.tokens, limits.max_tokens);
  }
  if (topk.lanes < 1 || topk.lanes > limits.max_lanes) {
    fail(tuttiInvalidArgument, "k is {}: this group was made for a top-k of 1 to {}", topk.lanes,
         limits.max_lanes);
  }
  if (topk.type != tuttiInt32 && topk.type != tuttiInt64) {
    fail(tuttiInvalidArgument, "idx_type is {}: expert ids are int32 or int64",
         static_cast<int>(topk.type));
  }
  if (topk.tokens == 0) return;
  if (topk.indices == nullptr) {
    fail(tuttiInvalidArgument, "topk_idx is NULL with {} tokens", topk.tokens);
  }
  if (topk.row_stride < static_cast<std::size_t>(topk.lanes)) {
    fail(tuttiInvalidArgument, "row_stride is {} elements: rows of k = {} lanes do not fit",
         topk.row_stride, topk.lanes);
  }
}

}  // namespace

RoutingTable::RoutingTable(const Placement& placement, RoutingLimits limits,
                           std::span<Entry> entries)
    : placement_(&placement),
      limits_(limits),
      entries_(entries),
      offsets_(static_cast<std::size_t>(placement.ranks()) + 1),
      distinct_(static_cast<std::size_t>(placement.ranks())),
      cursor_(distinct_.size()),
      distinct_scratch_(distinct_.size()),
      expert_stamp_(static_cast<std::size_t>(placement.num_experts())),
      rank_stamp_(distinct_.size()) {
  const auto needed =
      static_cast<std::size_t>(limits.max_tokens) * static_cast<std::size_t>(limits.max_lanes);
  if (limits.max_lanes > kMaxLanes || needed > UINT32_MAX || entries.size() < needed) {
    fail(tuttiInternalError, "a routing table of {} tokens with {} lanes in memory for {} entries",
         limits.max_tokens, limits.max_lanes, entries.size());
  }
}

void RoutingTable::build(const TopK& topk) {
  check_shape(topk, limits_);
  if (topk.type == tuttiInt32) {
    build_from<std::int32_t>(topk);
  } else {
    build_from<std::int64_t>(topk);
  }
}

template <typename Index>
void RoutingTable::check_and_count(const TopK& topk) {
  std::fill(cursor_.begin(), cursor_.end(), 0u);
  std::fill(distinct_scratch_.begin(), distinct_scratch_.end(), 0u);
  for (int token = 0; token < topk.tokens; ++token) {
    const Index* row = row_of<Index>(topk, token);
    ++stamp_;
    for (int lane = 0; lane < topk.lanes; ++lane) {
      const Index expert = row[lane];
      if (expert == -1) continue;
      if (expert < 0 || expert >= placement_->num_experts()) {
        fail(tuttiInvalidArgument, "token {}, lane {}: expert id {} is not -1 and not in 0 to {}",
             token, lane, expert, placement_->num_experts() - 1);
      }
      auto& seen = expert_stamp_[static_cast<std::size_t>(expert)];
      if (seen == stamp_) fail_repeated(row, token, lane);
      seen = stamp_;
      const auto rank = static_cast<std::size_t>(placement_->owner(static_cast<int>(expert)));
      ++cursor_[rank];
      distinct_scratch_[rank] += rank_stamp_[rank] != stamp_ ? 1u : 0u;
      rank_stamp_[rank] = stamp_;
    }
  }
}

template <typename Index>
void RoutingTable::build_from(const TopK& topk) {
  check_and_count<Index>(topk);
  tokens_ = topk.tokens;
  lanes_ = topk.lanes;
  distinct_.swap(distinct_scratch_);
  std::uint32_t next = 0;
  for (std::size_t rank = 0; rank < cursor_.size(); ++rank) {
    offsets_[rank] = next;
    next += cursor_[rank];
    cursor_[rank] = offsets_[rank];
  }
  offsets_.back() = next;
  for (int token = 0; token < topk.tokens; ++token) {
    const Index* row = row_of<Index>(topk, token);
    for (int lane = 0; lane < topk.lanes; ++lane) {
      if (row[lane] == -1) continue;
      const int expert = static_cast<int>(row[lane]);
      const auto rank = static_cast<std::size_t>(placement_->owner(expert));
      entries_[cursor_[rank]++] =
          Entry::make(static_cast<std::uint32_t>(token), static_cast<std::uint32_t>(lane),
                      static_cast<std::uint32_t>(placement_->local_index(expert)));
    }
  }
}

std::span<const Entry> RoutingTable::entries_for(int rank) const noexcept {
  const auto index = static_cast<std::size_t>(rank);
  return entries_.subspan(offsets_[index], offsets_[index + 1] - offsets_[index]);
}

void RoutingTable::gather_weights(const float* weights, std::span<float> out) const {
  const std::span<const Entry> all = entries();
  if (weights == nullptr) {
    std::fill_n(out.begin(), all.size(), 1.0f);
    return;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    out[i] = weights[std::size_t{all[i].token} * static_cast<std::size_t>(lanes_) + all[i].lane()];
  }
}

}  // namespace tutti::moe
