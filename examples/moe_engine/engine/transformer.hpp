// The language model on one rank: attention of its own tokens, experts of everybody's.
#pragma once

#include <span>
#include <vector>

#include "../../common/feed_forward.hpp"
#include "../language/attention.hpp"
#include "../language/router.hpp"
#include "../language/weights.hpp"
#include "clock.hpp"
#include "experts.hpp"
#include "microbatch.hpp"

namespace moe_engine {

class Transformer {
 public:
  // For at most `tokens` tokens a microbatch. The references must outlive this.
  Transformer(const Model& model, std::span<const int> experts, const example::Products& products,
              std::size_t tokens, const Clock& clock);

  // Runs the tokens of every microbatch through all blocks; their logits are there then. All ranks
  // call it with as many microbatches, of which some may be empty.
  void step(std::span<Microbatch* const> microbatches);

  // Milliseconds so far that the rank has computed.
  struct Times {
    double dense = 0;    // attention, router, shared expert, logits
    double experts = 0;  // of this rank
  };
  const Times& times() const { return times_; }

 private:
  void embed(Microbatch& batch) const;
  void send(const BlockWeights& block, std::size_t layer, Microbatch& batch);
  void give_back(const BlockWeights& block, Microbatch& batch);
  void take(Microbatch& batch);
  void make_logits(Microbatch& batch);
  std::size_t remembered(std::span<const Token> tokens) const;
  void account(std::size_t parameters, std::size_t rows, std::size_t others = 0) const;

  const ModelConfig& config_;
  const example::Products& products_;
  const Clock& clock_;
  Weights weights_;
  Attention attention_;
  Router router_;
  example::FeedForward shared_;
  Experts experts_;
  std::vector<float> chosen_, normed_;  // make_logits: the rows that want logits
  Times times_;
};

// The products of such a model, for Products.
std::vector<example::ProductShape> product_shapes(const ModelConfig& config);

}  // namespace moe_engine
