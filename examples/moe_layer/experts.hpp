// The experts: SwiGLU layers, y = (silu(x gate) * (x up)) down, with weights made from a hash.
#pragma once

#include <cstddef>
#include <vector>

#include "../common/bf16.hpp"
#include "../common/feed_forward.hpp"
#include "config.hpp"

namespace moe_layer {

using example::Bf16;
using ExpertWeights = example::FeedForwardWeights;

// The weights of one expert, the same wherever they are made.
ExpertWeights make_weights(const Config& config, int expert);

// Runs blocks of rows through an expert; holds the intermediate values.
class ExpertRunner {
 public:
  explicit ExpertRunner(const Config& config);

  std::size_t block_rows() const { return products_.block_rows(); }

  // y [block_rows, hidden] = expert(rows [block_rows, hidden]); valid until the next call.
  const float* run(const ExpertWeights& weights, const Bf16* rows);

 private:
  example::Products products_;
  example::FeedForward feed_forward_;
  std::vector<float> x_, y_;  // [block_rows, hidden]
};

}  // namespace moe_layer
