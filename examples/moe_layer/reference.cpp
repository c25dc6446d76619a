#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "experts.hpp"

namespace moe_layer {
namespace {

using example::narrow;
using example::widen;

// results[(token * topk + lane) * hidden]: what each lane's expert makes of the token.
class LaneResults {
 public:
  LaneResults(const Config& config, const Batch& batch)
      : hidden_(static_cast<std::size_t>(config.hidden)),
        lanes_(static_cast<std::size_t>(config.topk)),
        values_(batch.experts.size() * hidden_) {}

  void run(ExpertRunner& runner, const ExpertWeights& weights, int expert, const Batch& batch) {
    const std::size_t block_rows = runner.block_rows();
    block_.resize(block_rows * hidden_);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < batch.experts.size(); ++i) {
      if (batch.experts[i] == expert) places.push_back(i);
    }
    for (std::size_t first = 0; first < places.size(); first += block_rows) {
      const std::size_t count = std::min(block_rows, places.size() - first);
      std::fill(block_.begin(), block_.end(), Bf16{0});
      for (std::size_t i = 0; i < count; ++i) {
        std::copy_n(&batch.vectors[places[first + i] / lanes_ * hidden_], hidden_,
                    &block_[i * hidden_]);
      }
      const float* y = runner.run(weights, block_.data());
      for (std::size_t i = 0; i < count; ++i) {
        std::copy_n(y + i * hidden_, hidden_, &values_[places[first + i] * hidden_]);
      }
    }
  }

  const float* of(std::size_t token, std::size_t lane) const {
    return &values_[(token * lanes_ + lane) * hidden_];
  }

 private:
  std::size_t hidden_, lanes_;
  std::vector<float> values_;
  std::vector<Bf16> block_;
};

float rounded(float value) { return widen(narrow(value)); }

// Rows are rounded to bf16 by the experts, weighted and added in lane order.
void sum_by_lane(const Batch& batch, const LaneResults& results, std::size_t token,
                 std::size_t lanes, std::vector<float>& sum) {
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const float* row = results.of(token, lane);
    const float weight = batch.weights[token * lanes + lane];
    for (std::size_t h = 0; h < sum.size(); ++h) sum[h] += weight * rounded(row[h]);
  }
}

// Each rank weights and adds its experts' rows by ascending expert, and rounds; ranks add up in
// order.
void sum_by_rank(const Batch& batch, const LaneResults& results, std::size_t token,
                 std::size_t lanes, const std::vector<int>& owners, std::vector<float>& sum) {
  const std::int32_t* experts = &batch.experts[token * lanes];
  const auto owner = [&](std::size_t lane) {
    return owners[static_cast<std::size_t>(experts[lane])];
  };
  std::vector<std::size_t> order(lanes);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return std::pair(owner(a), experts[a]) < std::pair(owner(b), experts[b]);
  });
  std::vector<float> partial(sum.size());
  for (std::size_t i = 0; i < lanes; ++i) {
    const float* row = results.of(token, order[i]);
    const float weight = batch.weights[token * lanes + order[i]];
    for (std::size_t h = 0; h < sum.size(); ++h) partial[h] += weight * row[h];
    if (i + 1 < lanes && owner(order[i + 1]) == owner(order[i])) continue;
    for (std::size_t h = 0; h < sum.size(); ++h) sum[h] += rounded(partial[h]);
    std::fill(partial.begin(), partial.end(), 0.0f);
  }
}

void compare_row(const std::vector<float>& want, const Bf16* got, Difference& difference) {
  for (std::size_t h = 0; h < want.size(); ++h) {
    const double distance = std::abs(double{rounded(want[h])} - double{widen(got[h])});
    ++difference.elements;
    if (distance == 0) continue;
    ++difference.differ;
    difference.largest = std::isnan(distance) ? distance : std::max(difference.largest, distance);
  }
}

}  // namespace

Difference compare(const Config& config, const std::vector<int>& owners,
                   std::span<const Batch> batches, std::span<const std::vector<Bf16>> outs) {
  std::vector<LaneResults> results;
  for (const Batch& batch : batches) results.emplace_back(config, batch);
  ExpertRunner runner(config);
  for (int expert = 0; expert < config.experts; ++expert) {
    const ExpertWeights weights = make_weights(config, expert);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      results[i].run(runner, weights, expert, batches[i]);
    }
  }
  Difference difference;
  const auto hidden = static_cast<std::size_t>(config.hidden);
  const auto lanes = static_cast<std::size_t>(config.topk);
  std::vector<float> sum(hidden);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    for (std::size_t token = 0; token < static_cast<std::size_t>(config.tokens); ++token) {
      std::fill(sum.begin(), sum.end(), 0.0f);
      if (config.layout == tuttiMoeLayoutExpert) {
        sum_by_lane(batches[i], results[i], token, lanes, sum);
      } else {
        sum_by_rank(batches[i], results[i], token, lanes, owners, sum);
      }
      compare_row(sum, &outs[i][token * hidden], difference);
    }
  }
  return difference;
}

}  // namespace moe_layer
