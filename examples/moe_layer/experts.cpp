#include "experts.hpp"

#include <cblas.h>

#include <algorithm>
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

// Whether equal rows have bit-equal products wherever they stand in a block.
bool places_agree(const Shape& shape) {
  const std::vector<float> row = uniform_matrix(1, shape.depth, 1.0f);
  const std::vector<float> b = uniform_matrix(2, shape.depth * shape.columns, 1.0f);
  std::vector<float> a;
  for (std::size_t i = 0; i < shape.rows; ++i) a.insert(a.end(), row.begin(), row.end());
  std::vector<float> c(shape.rows * shape.columns);
  multiply(shape, a.data(), b.data(), c.data());
  for (std::size_t i = 1; i < shape.rows; ++i) {
    if (!std::equal(c.begin(), c.begin() + static_cast<std::ptrdiff_t>(shape.columns),
                    c.begin() + static_cast<std::ptrdiff_t>(i * shape.columns))) {
      return false;
    }
  }
  return true;
}

// The kernels of some processors treat the last rows of a block unlike the first ones.
std::size_t find_block_rows(std::size_t hidden, std::size_t width) {
  std::size_t rows = 16;
  while (rows > 1 &&
         !(places_agree({rows, 2 * width, hidden}) && places_agree({rows, hidden, width}))) {
    rows /= 2;
  }
  return rows;
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
      width_(static_cast<std::size_t>(config.width)) {
  openblas_set_num_threads(1);  // ranks are the parallelism
  block_rows_ = find_block_rows(hidden_, width_);
  x_.resize(block_rows_ * hidden_);
  gate_up_.resize(block_rows_ * 2 * width_);
  act_.resize(block_rows_ * width_);
  y_.resize(block_rows_ * hidden_);
}

const float* ExpertRunner::run(const ExpertWeights& weights, const Bf16* rows) {
  widen(rows, x_.data(), x_.size());
  multiply({block_rows_, 2 * width_, hidden_}, x_.data(), weights.gate_up.data(), gate_up_.data());
  for (std::size_t row = 0; row < block_rows_; ++row) {
    const float* gate = &gate_up_[row * 2 * width_];
    for (std::size_t i = 0; i < width_; ++i)
      act_[row * width_ + i] = silu(gate[i]) * gate[width_ + i];
  }
  multiply({block_rows_, hidden_, width_}, act_.data(), weights.down.data(), y_.data());
  return y_.data();
}

}  // namespace moe_layer
