// The experts: SwiGLU layers, y = (silu(x gate) * (x up)) down, with weights made from a hash.
#pragma once

#include <cstddef>
#include <vector>

#include "bf16.hpp"
#include "config.hpp"

namespace moe_layer {

// Rows of every product. A fixed shape makes a row's result independent of which rows surround it,
// so that ranks that batch differently agree bit for bit.
constexpr std::size_t kBlockRows = 16;

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

  // y [kBlockRows, hidden] = expert(rows [kBlockRows, hidden]); valid until the next call.
  const float* run(const ExpertWeights& weights, const Bf16* rows);

 private:
  std::size_t hidden_, width_;
  std::vector<float> x_;        // [kBlockRows, hidden]
  std::vector<float> gate_up_;  // [kBlockRows, 2 width]
  std::vector<float> act_;      // [kBlockRows, width]
  std::vector<float> y_;        // [kBlockRows, hidden]
};

}  // namespace moe_layer
