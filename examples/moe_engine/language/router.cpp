#include "router.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moe_engine {

Router::Router(const ModelConfig& config, const example::Products& products, std::size_t tokens)
    : config_(config),
      products_(products),
      scores_(products.padded(tokens) * config.experts),
      order_(config.experts) {}

void Router::route(const std::vector<float>& gate, std::size_t rows, const float* normed,
                   Routing& routing) {
  products_.multiply(rows, {config_.experts, config_.dim}, normed, gate.data(), scores_.data());
  routing.experts.resize(rows * config_.top_k);
  routing.weights.resize(rows * config_.top_k);
  for (std::size_t row = 0; row < rows; ++row) {
    choose(&scores_[row * config_.experts], routing.experts.data() + row * config_.top_k,
           routing.weights.data() + row * config_.top_k);
  }
}

// The softmax over all experts, divided by the sum of those chosen, is the softmax over the chosen.
void Router::choose(const float* scores, std::int32_t* experts, float* weights) {
  std::iota(order_.begin(), order_.end(), 0);
  const auto end = order_.begin() + static_cast<std::ptrdiff_t>(config_.top_k);
  std::partial_sort(order_.begin(), end, order_.end(), [&](std::int32_t a, std::int32_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  });
  std::copy(order_.begin(), end, experts);
  float sum = 0;
  for (std::size_t lane = 0; lane < config_.top_k; ++lane) {
    weights[lane] = std::exp(scores[experts[lane]] - scores[experts[0]]);
    sum += weights[lane];
  }
  for (std::size_t lane = 0; lane < config_.top_k; ++lane) weights[lane] /= sum;
}

}  // namespace moe_engine
