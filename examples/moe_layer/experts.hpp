// The experts: SwiGLU layers, y = (silu(x gate) * (x up)) down, with weights made from a hash.
#pragma once

#include <cstddef>
#include <vector>

#include "bf16.hpp"
#include "config.hpp"

namespace moe_layer {

struct ExpertWeights {
  std::vector<float> gate_up;  // [hidden, 2 width]: gate and up side by side
  std::vector<float> down;     // [width, hidden]
};

// The weights of one expert, the same wherever they are made.
ExpertWeights make_weights(const Config& config, int expert);

// Runs blocks of rows through an expert; holds the intermediate values.
class ExpertRunner {
 public:
  explicit ExpertRunner(const Config& config);

  // Rows of every product. A row's result depends neither on the rows around it, since the shape is
  // fixed, nor on its place, which was tried: ranks that batch differently agree bit for bit.
  std::size_t block_rows() const { return block_rows_; }

  // y [block_rows, hidden] = expert(rows [block_rows, hidden]); valid until the next call.
  const float* run(const ExpertWeights& weights, const Bf16* rows);

 private:
  std::size_t hidden_, width_, block_rows_;
  std::vector<float> x_;        // [block_rows, hidden]
  std::vector<float> gate_up_;  // [block_rows, 2 width]
  std::vector<float> act_;      // [block_rows, width]
  std::vector<float> y_;        // [block_rows, hidden]
};

}  // namespace moe_layer
