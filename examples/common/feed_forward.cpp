#include "feed_forward.hpp"

#include <cmath>

namespace example {
namespace {

float silu(float x) { return x / (1.0f + std::exp(-x)); }

}  // namespace

FeedForward::FeedForward(const Shape& shape, const Products& products)
    : shape_(shape),
      products_(products),
      gate_up_(products.block_rows() * 2 * shape.width),
      activation_(products.block_rows() * shape.width) {}

void FeedForward::run(const FeedForwardWeights& weights, std::size_t rows, const float* x,
                      float* y) {
  const std::size_t block = products_.block_rows();
  for (std::size_t row = 0; row < rows; row += block) {
    products_.multiply(block, shape_.gate_up(), x + row * shape_.dim, weights.gate_up.data(),
                       gate_up_.data());
    activate();
    products_.multiply(block, shape_.down(), activation_.data(), weights.down.data(),
                       y + row * shape_.dim);
  }
}

void FeedForward::activate() {
  for (std::size_t row = 0; row < products_.block_rows(); ++row) {
    const float* const gate = &gate_up_[row * 2 * shape_.width];
    float* const to = &activation_[row * shape_.width];
    for (std::size_t i = 0; i < shape_.width; ++i) {
      to[i] = silu(gate[i]) * gate[shape_.width + i];
    }
  }
}

}  // namespace example
