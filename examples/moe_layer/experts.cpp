#include "experts.hpp"

#include <array>
#include <cmath>

#include "hash.hpp"

namespace moe_layer {
namespace {

std::vector<float> uniform_matrix(std::uint32_t seed, std::size_t count, float scale) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = scale * uniform(seed, static_cast<std::uint32_t>(i));
  }
  return values;
}

example::FeedForward::Shape shape_of(const Config& config) {
  return {static_cast<std::size_t>(config.hidden), static_cast<std::size_t>(config.width)};
}

}  // namespace

ExpertWeights make_weights(const Config& config, int expert) {
  const auto hidden = static_cast<std::size_t>(config.hidden);
  const auto width = static_cast<std::size_t>(config.width);
  const auto seed = 2 * static_cast<std::uint32_t>(expert);
  return {.gate_up = uniform_matrix(mix(seed), hidden * 2 * width,
                                    1.0f / std::sqrt(static_cast<float>(hidden))),
          .down = uniform_matrix(mix(seed + 1), width * hidden,
                                 1.0f / std::sqrt(static_cast<float>(width)))};
}

ExpertRunner::ExpertRunner(const Config& config)
    : products_(16, std::array{shape_of(config).gate_up(), shape_of(config).down()}),
      feed_forward_(shape_of(config), products_),
      x_(products_.block_rows() * static_cast<std::size_t>(config.hidden)),
      y_(x_.size()) {}

const float* ExpertRunner::run(const ExpertWeights& weights, const Bf16* rows) {
  example::widen(rows, x_.data(), x_.size());
  feed_forward_.run(weights, block_rows(), x_.data(), y_.data());
  return y_.data();
}

}  // namespace moe_layer
