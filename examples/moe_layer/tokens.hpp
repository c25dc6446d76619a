// Token vectors and routing from the words of a text, so that experts are loaded as unevenly as in
// life: frequent words choose the same experts again and again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../common/bf16.hpp"
#include "config.hpp"

namespace moe_layer {

using example::Bf16;

// The tokens of one rank in one step.
struct Batch {
  std::vector<Bf16> vectors;          // [n, hidden]
  std::vector<std::int32_t> experts;  // [n, topk]
  std::vector<float> weights;         // [n, topk]
};

class TokenSource {
 public:
  explicit TokenSource(const Config& config);

  std::size_t words() const { return words_.size(); }
  const std::string& word(std::size_t index) const { return words_[index % words_.size()]; }

  // The words follow each other through the ranks, then through the steps, and begin again at the
  // end.
  std::size_t first_word(int step, int rank) const;
  void fill(int step, int rank, Batch& batch) const;

 private:
  static constexpr std::size_t kFeatures = 64;
  using Features = float[kFeatures];

  void features_of(std::size_t word, Features& out) const;
  void project(const Features& features, Bf16* vector) const;
  void choose(const Features& features, std::int32_t* experts, float* weights) const;

  Config config_;
  std::vector<std::string> words_;
  std::vector<float> projection_;  // [kFeatures, hidden]
  std::vector<float> gate_;        // [experts, kFeatures]
};

}  // namespace moe_layer
