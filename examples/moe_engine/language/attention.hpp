// Attention of one block, of tokens that belong to many sequences, each with keys and values of its
// own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../../common/products.hpp"
#include "config.hpp"
#include "weights.hpp"

namespace moe_engine {

// Keys and values of one sequence, in all blocks: [context, head_size] for each head.
class KvCache {
 public:
  explicit KvCache(const ModelConfig& config)
      : config_(config), values_(config.layers * 2 * config.dim * config.context) {}

  float* keys(std::size_t layer, std::size_t head) { return at(2 * layer, head); }
  float* values(std::size_t layer, std::size_t head) { return at(2 * layer + 1, head); }

 private:
  float* at(std::size_t part, std::size_t head) {
    return &values_[(part * config_.heads + head) * config_.context * config_.head_size()];
  }

  ModelConfig config_;
  std::vector<float> values_;
};

// One input of a step. Tokens of a sequence stand in ascending order, without gaps.
struct Token {
  KvCache* cache;
  std::size_t position;
  std::uint8_t byte;
  bool wants_logits;
};

class Attention {
 public:
  // For at most `tokens` tokens. The references must outlive this.
  Attention(const ModelConfig& config, const example::Products& products, std::size_t tokens);

  // hidden [tokens, dim] += attention(rms(hidden)).
  void run(const BlockWeights& weights, std::size_t layer, std::span<const Token> tokens,
           float* hidden);

 private:
  void remember(const Token& token, std::size_t layer, float* qkv) const;
  void attend(const Token& token, std::size_t layer, const float* query, float* out);
  void rotate(std::size_t position, float* head) const;

  const ModelConfig& config_;
  const example::Products& products_;
  std::vector<float> cos_, sin_;  // [context, head_size / 2]
  std::vector<float> normed_, qkv_, mixed_, projected_;
  std::vector<float> scores_;  // [context]
};

}  // namespace moe_engine
