// The model's weights, widened to float and laid out for products with rows from the left.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "../../common/feed_forward.hpp"
#include "config.hpp"

namespace moe_engine {

struct BlockWeights {
  std::vector<float> attn_norm, ffn_norm;            // [dim]
  std::vector<float> qkv;                            // [dim, 3 dim]
  std::vector<float> wo;                             // [dim, dim]
  std::vector<float> gate;                           // [dim, experts]
  example::FeedForwardWeights shared;                // the shared expert
  std::vector<example::FeedForwardWeights> experts;  // those of one rank, in its order
};

struct Weights {
  std::vector<float> embed;  // [vocab, dim]
  std::vector<BlockWeights> blocks;
  std::vector<float> norm;  // [dim]
  std::vector<float> head;  // [dim, vocab]
};

// A model file that is whole: every tensor of the configuration is there, BF16, of the right shape
// and finite.
class Model {
 public:
  // std::runtime_error naming the file, the byte and the field where it is not.
  explicit Model(const std::string& path);

  const ModelConfig& config() const { return config_; }

  // What a rank with these experts needs.
  Weights weights(std::span<const int> experts) const;

 private:
  Safetensors file_;
  ModelConfig config_;
};

}  // namespace moe_engine
