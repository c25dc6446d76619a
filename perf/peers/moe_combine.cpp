// MoeStep, second half: rows back to the token's owner, and their sum.
#include <array>
#include <cstring>
#include <limits>

#include "perf/peers/moe_step.hpp"
#include "perf/peers/weighted_sum.hpp"

namespace tutti::perf {

void MoeStep::combine(const std::uint16_t* rows, std::uint16_t* out) {
  const std::uint16_t* by_arrival = rows_by_arrival(rows);
  if (returned_.size() < items_.size() * hidden_) returned_.resize(items_.size() * hidden_);
  peer_.all_to_allv(by_arrival, row_parts(arrival_begin_), returned_.data(),
                    row_parts(item_begin_));
  sum_at_owner(rows, by_arrival, out);
}

// TOKEN rows lie in that order already. EXPERT: a row per lane is gathered from its group (those
// that stay are read in place later); with rows per rank the lanes of this rank are summed first.
const std::uint16_t* MoeStep::rows_by_arrival(const std::uint16_t* rows) {
  if (!shape_.expert_layout) return rows;
  const std::size_t arrivals = arrival_begin_.back();
  if (by_arrival_.size() < arrivals * hidden_) by_arrival_.resize(arrivals * hidden_);
  std::array<const std::uint16_t*, 64> sources{};
  std::array<float, 64> weights{};
  for (std::size_t a = 0; a < arrivals; ++a) {
    if (shape_.per_lane) {
      if (stays(a)) continue;
      std::memcpy(&by_arrival_[a * hidden_], rows + slot_[a] * hidden_,
                  hidden_ * sizeof(std::uint16_t));
      continue;
    }
    std::size_t n = 0;
    for (std::size_t i = a * lanes_; i < (a + 1) * lanes_; ++i) {
      if (lanes_in_[i].expert < 0) continue;
      sources[n] = rows + slot_[i] * hidden_;
      weights[n++] = lanes_in_[i].weight;
    }
    weighted_sum({sources.data(), n}, {weights.data(), n}, hidden_, &by_arrival_[a * hidden_]);
  }
  return by_arrival_.data();
}

const std::uint16_t* MoeStep::row_of_item(std::size_t item, const std::uint16_t* rows,
                                          const std::uint16_t* by_arrival) const {
  if (items_[item].rank != me_) return &returned_[item * hidden_];
  const std::size_t arrival = own_begin() + item - item_begin_[me_];
  const bool in_group = shape_.expert_layout && shape_.per_lane;
  return in_group ? rows + slot_[arrival] * hidden_ : by_arrival + arrival * hidden_;
}

void MoeStep::sum_at_owner(const std::uint16_t* rows, const std::uint16_t* by_arrival,
                           std::uint16_t* out) {
  std::array<const std::uint16_t*, 64> sources{};
  std::array<float, 64> weights{};
  for (std::size_t t = 0; t < static_cast<std::size_t>(routing_->tokens); ++t) {
    std::size_t n = 0;
    for (std::size_t i = t * topk_; i < (t + 1) * topk_; ++i) {
      if (token_items_[i] >= items_.size()) continue;  // an unused lane, or fewer ranks than lanes
      sources[n] = row_of_item(token_items_[i], rows, by_arrival);
      weights[n++] = shape_.per_lane ? routing_->weights[i] : 1.0F;
    }
    weighted_sum({sources.data(), n}, {weights.data(), n}, hidden_, out + t * hidden_);
  }
}

}  // namespace tutti::perf
