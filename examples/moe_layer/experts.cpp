#include "experts.hpp"

#include <cblas.h>

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

struct Shape {
  std::size_t rows, columns, depth;
};

// c [rows, columns] = a [rows, depth] * b [depth, columns]
void multiply(const Shape& shape, const float* a, const float* b, float* c) {
  const auto m = static_cast<blasint>(shape.rows), n = static_cast<blasint>(shape.columns),
             k = static_cast<blasint>(shape.depth);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0f, a, k, b, n, 0.0f, c, n);
}

float silu(float x) { return x / (1.0f + std::exp(-x)); }

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
    : hidden_(static_cast<std::size_t>(config.hidden)),
      width_(static_cast<std::size_t>(config.width)),
      x_(kBlockRows * hidden_),
      gate_up_(kBlockRows * 2 * width_),
      act_(kBlockRows * width_),
      y_(kBlockRows * hidden_) {
  openblas_set_num_threads(1);  // ranks are the parallelism
}

const float* ExpertRunner::run(const ExpertWeights& weights, const Bf16* rows) {
  widen(rows, x_.data(), x_.size());
  multiply({kBlockRows, 2 * width_, hidden_}, x_.data(), weights.gate_up.data(), gate_up_.data());
  for (std::size_t row = 0; row < kBlockRows; ++row) {
    const float* gate = &gate_up_[row * 2 * width_];
    for (std::size_t i = 0; i < width_; ++i)
      act_[row * width_ + i] = silu(gate[i]) * gate[width_ + i];
  }
  multiply({kBlockRows, hidden_, width_}, act_.data(), weights.down.data(), y_.data());
  return y_.data();
}

}  // namespace moe_layer
