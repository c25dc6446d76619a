// MoeStep, first half: from routing to rows where the experts want them.
#include <algorithm>
#include <cstring>
#include <limits>

#include "perf/peers/moe_step.hpp"

namespace tutti::perf {
namespace {

constexpr std::size_t kNoItem = std::numeric_limits<std::size_t>::max();

// Buffers grow in the first step and keep their size: a step in the loop allocates nothing.
template <class T>
void at_least(std::vector<T>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
}

Parts byte_parts(const std::vector<std::size_t>& begin, std::size_t bytes_each) {
  Parts parts;
  for (std::size_t r = 0; r + 1 < begin.size(); ++r) {
    parts.counts.push_back(static_cast<int>((begin[r + 1] - begin[r]) * bytes_each));
    parts.displacements.push_back(static_cast<int>(begin[r] * bytes_each));
  }
  return parts;
}

}  // namespace

MoeStep::MoeStep(Peer& peer, const MoeShape& shape)
    : peer_(peer),
      shape_(shape),
      ranks_(static_cast<std::size_t>(peer.ranks())),
      me_(static_cast<std::size_t>(peer.rank())),
      hidden_(static_cast<std::size_t>(shape.hidden)),
      topk_(static_cast<std::size_t>(shape.topk)),
      lanes_(shape.per_lane ? 1 : topk_) {
  for (int r = 0; r <= peer.ranks(); ++r) {
    first_expert_.push_back(first_expert(r, peer.ranks(), shape.experts));
    const auto end = static_cast<std::size_t>(first_expert_.back());
    if (r > 0) rank_of_.resize(end, static_cast<std::size_t>(r - 1));
  }
}

void MoeStep::dispatch(const Routing& routing, const std::uint16_t* rows) {
  routing_ = &routing;
  count_items();
  fill_items();
  announce_items();
  if (shape_.expert_layout) {
    at_least(arrived_, arrival_begin_.back() * hidden_);
    send_rows(rows, arrived_.data());
    place_by_expert(rows);
    return;
  }
  num_rows_ = arrival_begin_.back();
  at_least(rows_, num_rows_ * hidden_);
  send_rows(rows, rows_.data());
  for (std::size_t i = 0; i < own_end() - own_begin(); ++i) {
    const auto token = static_cast<std::size_t>(items_[item_begin_[me_] + i].token);
    std::memcpy(&rows_[(own_begin() + i) * hidden_], rows + token * hidden_, hidden_ * 2);
  }
}

void MoeStep::count_items() {
  item_begin_.assign(ranks_ + 1, 0);
  std::vector<int> last_token(ranks_, -1);
  for (int t = 0; t < routing_->tokens; ++t) {
    for (std::size_t lane = 0; lane < topk_; ++lane) {
      const auto expert = routing_->experts[static_cast<std::size_t>(t) * topk_ + lane];
      if (expert < 0) continue;
      const std::size_t rank = rank_of_[static_cast<std::size_t>(expert)];
      if (!shape_.per_lane && last_token[rank] == t) continue;
      last_token[rank] = t;
      ++item_begin_[rank + 1];
    }
  }
  for (std::size_t r = 0; r < ranks_; ++r) item_begin_[r + 1] += item_begin_[r];
}

void MoeStep::fill_items() {
  std::vector<std::size_t> next(item_begin_.begin(), item_begin_.end() - 1);
  std::vector<int> last_token(ranks_, -1);
  items_.resize(item_begin_.back());
  lanes_out_.assign(items_.size() * lanes_, Lane{-1, 0});
  token_items_.assign(static_cast<std::size_t>(routing_->tokens) * topk_, kNoItem);
  for (int t = 0; t < routing_->tokens; ++t) {
    const std::size_t first = static_cast<std::size_t>(t) * topk_;
    for (std::size_t lane = 0; lane < topk_; ++lane) {
      const auto expert = routing_->experts[first + lane];
      if (expert < 0) continue;
      const std::size_t rank = rank_of_[static_cast<std::size_t>(expert)];
      if (shape_.per_lane || last_token[rank] != t) {
        last_token[rank] = t;
        items_[next[rank]++] = {t, rank};
      }
      const std::size_t item = next[rank] - 1;
      if (shape_.per_lane) token_items_[first + lane] = item;
      lanes_out_[item * lanes_ + (shape_.per_lane ? 0 : lane)] = {expert - first_expert_[rank],
                                                                  routing_->weights[first + lane]};
    }
  }
  if (shape_.per_lane) return;
  // Items ascend by rank, so a token's items are appended in rank order.
  std::vector<std::size_t> used(static_cast<std::size_t>(routing_->tokens), 0);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const auto token = static_cast<std::size_t>(items_[i].token);
    token_items_[token * topk_ + used[token]++] = i;
  }
}

void MoeStep::announce_items() {
  std::vector<int> to(ranks_);
  std::vector<int> from(ranks_);
  for (std::size_t r = 0; r < ranks_; ++r) {
    to[r] = static_cast<int>(item_begin_[r + 1] - item_begin_[r]);
  }
  peer_.exchange_counts(to.data(), from.data(), 1);
  arrival_begin_.assign(1, 0);
  for (const int n : from) {
    arrival_begin_.push_back(arrival_begin_.back() + static_cast<std::size_t>(n));
  }
  at_least(lanes_in_, arrival_begin_.back() * lanes_);
  const std::size_t bytes = lanes_ * sizeof(Lane);
  peer_.all_to_allv(lanes_out_.data(), byte_parts(item_begin_, bytes), lanes_in_.data(),
                    byte_parts(arrival_begin_, bytes));
}

Parts MoeStep::row_parts(const std::vector<std::size_t>& begin) const {
  Parts parts = byte_parts(begin, hidden_ * sizeof(std::uint16_t));
  parts.counts[me_] = 0;
  return parts;
}

void MoeStep::send_rows(const std::uint16_t* input, std::uint16_t* arrivals) {
  at_least(packed_, items_.size() * hidden_);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (items_[i].rank == me_) continue;
    const auto token = static_cast<std::size_t>(items_[i].token);
    std::memcpy(&packed_[i * hidden_], input + token * hidden_, hidden_ * sizeof(std::uint16_t));
  }
  peer_.all_to_allv(packed_.data(), row_parts(item_begin_), arrivals, row_parts(arrival_begin_));
}

void MoeStep::place_by_expert(const std::uint16_t* input) {
  const auto experts = static_cast<std::size_t>(first_expert_[me_ + 1] - first_expert_[me_]);
  const std::size_t entries = arrival_begin_.back() * lanes_;
  std::vector<std::size_t> next(experts + 1, 0);
  for (std::size_t i = 0; i < entries; ++i) {
    if (lanes_in_[i].expert >= 0) ++next[static_cast<std::size_t>(lanes_in_[i].expert) + 1];
  }
  for (std::size_t e = 0; e < experts; ++e) next[e + 1] += next[e];
  num_rows_ = next[experts];
  at_least(rows_, num_rows_ * hidden_);
  at_least(slot_, entries);
  for (std::size_t i = 0; i < entries; ++i) {
    if (lanes_in_[i].expert < 0) continue;
    const std::size_t arrival = i / lanes_;
    const std::uint16_t* row = &arrived_[arrival * hidden_];
    if (stays(arrival)) {
      const Item& item = items_[item_begin_[me_] + arrival - own_begin()];
      row = input + static_cast<std::size_t>(item.token) * hidden_;
    }
    slot_[i] = next[static_cast<std::size_t>(lanes_in_[i].expert)]++;
    std::memcpy(&rows_[slot_[i] * hidden_], row, hidden_ * sizeof(std::uint16_t));
  }
}

std::size_t MoeStep::items_to_others() const {
  return items_.size() - (item_begin_[me_ + 1] - item_begin_[me_]);
}

}  // namespace tutti::perf
