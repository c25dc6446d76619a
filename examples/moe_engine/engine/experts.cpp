#include "experts.hpp"

#include <algorithm>

namespace moe_engine {

Experts::Experts(const ModelConfig& config, const example::Products& products, const Clock& clock)
    : config_(config),
      products_(products),
      clock_(clock),
      feed_forward_({config.dim, config.expert_ffn}, products) {}

void Experts::run(const BlockWeights& block, Arrivals& arrivals) {
  if (arrivals.layout == tuttiMoeLayoutExpert) {
    run_on_groups(block, arrivals);
  } else {
    run_on_tokens(block, arrivals);
  }
}

// EXPERT: every group begins at a multiple of block_rows and is padded to one.
void Experts::run_on_groups(const BlockWeights& block, Arrivals& arrivals) {
  for (std::size_t e = 0; e < block.experts.size(); ++e) {
    const auto first = static_cast<std::size_t>(arrivals.expert_offsets[e]);
    const auto end = static_cast<std::size_t>(arrivals.expert_offsets[e + 1]);
    float* const rows = arrivals.rows + first * config_.dim;
    feed_forward_.run(block.experts[e], end - first, rows, rows);
    account(end - first);
  }
}

// TOKEN: a row visits several experts here; their results are weighted and added here, by ascending
// expert, and the sum replaces the row.
void Experts::run_on_tokens(const BlockWeights& block, Arrivals& arrivals) {
  gather_visits(arrivals, block.experts.size());
  sums_.assign(arrivals.num_rows * config_.dim, 0.0f);
  for (std::size_t e = 0; e < visits_.size(); ++e) {
    const std::size_t count = visits_[e].size();
    gathered_.assign(products_.padded(count) * config_.dim, 0.0f);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(arrivals.rows + visits_[e][i] / config_.top_k * config_.dim, config_.dim,
                  &gathered_[i * config_.dim]);
    }
    feed_forward_.run(block.experts[e], count, gathered_.data(), gathered_.data());
    add_weighted(arrivals, visits_[e]);
    account(count);
  }
  std::copy(sums_.begin(), sums_.end(), arrivals.rows);
}

void Experts::gather_visits(const Arrivals& arrivals, std::size_t experts) {
  visits_.resize(experts);
  for (auto& visits : visits_) visits.clear();
  for (std::size_t i = 0; i < arrivals.num_rows * config_.top_k; ++i) {
    if (arrivals.ids[i] >= 0) visits_[static_cast<std::size_t>(arrivals.ids[i])].push_back(i);
  }
}

void Experts::add_weighted(const Arrivals& arrivals, const std::vector<std::size_t>& visits) {
  for (std::size_t i = 0; i < visits.size(); ++i) {
    const float weight = arrivals.weights[visits[i]];
    const float* const from = &gathered_[i * config_.dim];
    float* const sum = &sums_[visits[i] / config_.top_k * config_.dim];
    for (std::size_t d = 0; d < config_.dim; ++d) sum[d] += weight * from[d];
  }
}

void Experts::account(std::size_t rows) const {
  if (rows == 0) return;
  const auto parameters = static_cast<double>(3 * config_.dim * config_.expert_ffn);
  clock_.computed(2 * parameters * static_cast<double>(rows), 2 * parameters);
}

}  // namespace moe_engine
