// What an expert computes: y = (silu(x gate) * (x up)) down.
#pragma once

#include <cstddef>
#include <vector>

#include "products.hpp"

namespace example {

struct FeedForwardWeights {
  std::vector<float> gate_up;  // [dim, 2 width]: gate and up side by side
  std::vector<float> down;     // [width, dim]
};

// Runs rows through experts of one shape; holds the intermediate values.
class FeedForward {
 public:
  struct Shape {
    std::size_t dim, width;
    ProductShape gate_up() const { return {2 * width, dim}; }
    ProductShape down() const { return {dim, width}; }
  };

  // `products` must outlive this, and know the two products of `shape`.
  FeedForward(const Shape& shape, const Products& products);

  // y [rows, dim] from x [rows, dim], both with room for padded(rows) rows; `y` may be `x`.
  void run(const FeedForwardWeights& weights, std::size_t rows, const float* x, float* y);

 private:
  void activate();

  Shape shape_;
  const Products& products_;
  std::vector<float> gate_up_;     // [block_rows, 2 width]
  std::vector<float> activation_;  // [block_rows, width]
};

}  // namespace example
