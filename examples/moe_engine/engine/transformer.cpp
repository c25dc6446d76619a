#include "transformer.hpp"

#include <algorithm>
#include <array>

#include "../language/norm.hpp"

namespace moe_engine {
namespace {

// Adds the time between its making and its end to `sum`.
class Lap {
 public:
  Lap(const Clock& clock, double& sum) : clock_(clock), sum_(sum), begin_(clock.now()) {}
  ~Lap() { sum_ += clock_.now() - begin_; }
  Lap(const Lap&) = delete;
  Lap& operator=(const Lap&) = delete;

 private:
  const Clock& clock_;
  double& sum_;
  double begin_;
};

}  // namespace

Transformer::Transformer(const Model& model, std::span<const int> experts,
                         const example::Products& products, std::size_t tokens, const Clock& clock)
    : config_(model.config()),
      products_(products),
      clock_(clock),
      weights_(model.weights(experts)),
      attention_(config_, products, tokens),
      router_(config_, products, tokens),
      shared_({config_.dim, config_.shared_ffn}, products),
      experts_(config_, products, clock),
      chosen_(products.padded(tokens) * config_.dim),
      normed_(chosen_.size()) {}

// While the rows of one microbatch travel to their experts, attention runs on the other's; while
// results of one travel back, the experts run on the other's.
void Transformer::step(std::span<Microbatch* const> microbatches) {
  for (Microbatch* batch : microbatches) embed(*batch);
  for (std::size_t layer = 0; layer < config_.layers; ++layer) {
    for (Microbatch* batch : microbatches) {
      take(*batch);
      send(weights_.blocks[layer], layer, *batch);
    }
    for (Microbatch* batch : microbatches) give_back(weights_.blocks[layer], *batch);
  }
  for (Microbatch* batch : microbatches) {
    take(*batch);
    make_logits(*batch);
  }
}

void Transformer::embed(Microbatch& batch) const {
  for (std::size_t i = 0; i < batch.tokens.size(); ++i) {
    std::copy_n(&weights_.embed[batch.tokens[i].byte * config_.dim], config_.dim,
                &batch.hidden[i * config_.dim]);
  }
}

void Transformer::send(const BlockWeights& block, std::size_t layer, Microbatch& batch) {
  const Lap lap(clock_, times_.dense);
  const std::size_t rows = batch.tokens.size();
  float* const normed = batch.exchange.rows().data();
  attention_.run(block, layer, batch.tokens, batch.hidden.data());
  account(config_.dim * (4 * config_.dim + config_.experts), rows, remembered(batch.tokens));
  rms_norm(rows, config_.dim, batch.hidden.data(), block.ffn_norm.data(), config_.norm_eps, normed);
  router_.route(block.gate, rows, normed, batch.routing);
  batch.exchange.send(batch.routing);
  shared_.run(block.shared, rows, normed, batch.shared.data());
  account(3 * config_.dim * config_.shared_ffn, rows);
}

void Transformer::give_back(const BlockWeights& block, Microbatch& batch) {
  Arrivals& arrivals = batch.exchange.receive();
  const Lap lap(clock_, times_.experts);
  experts_.run(block, arrivals);
  // The residual is a bias, too: what comes back is the block's output.
  batch.exchange.give_back(std::array<const float*, 2>{batch.shared.data(), batch.hidden.data()},
                           batch.next.data());
}

void Transformer::take(Microbatch& batch) {
  if (batch.exchange.finish()) std::swap(batch.hidden, batch.next);
}

void Transformer::make_logits(Microbatch& batch) {
  const Lap lap(clock_, times_.dense);
  std::size_t rows = 0;
  for (std::size_t i = 0; i < batch.tokens.size(); ++i) {
    if (!batch.tokens[i].wants_logits) continue;
    std::copy_n(&batch.hidden[i * config_.dim], config_.dim, &chosen_[rows++ * config_.dim]);
  }
  rms_norm(rows, config_.dim, chosen_.data(), weights_.norm.data(), config_.norm_eps,
           normed_.data());
  products_.multiply(rows, {config_.vocab, config_.dim}, normed_.data(), weights_.head.data(),
                     batch.logits.data());
  account(config_.dim * config_.vocab, rows);
}

// Keys and values that attention reads, in elements.
std::size_t Transformer::remembered(std::span<const Token> tokens) const {
  std::size_t elements = 0;
  for (const Token& token : tokens) elements += 2 * (token.position + 1) * config_.dim;
  return elements;
}

// BF16 parameters, read once for all rows, and others that are read for one row each.
void Transformer::account(std::size_t parameters, std::size_t rows, std::size_t others) const {
  if (rows == 0) return;
  clock_.computed(2 * static_cast<double>(parameters * rows + others),
                  2 * static_cast<double>(parameters + others));
}

std::vector<example::ProductShape> product_shapes(const ModelConfig& config) {
  const std::size_t dim = config.dim;
  const example::FeedForward::Shape shared{dim, config.shared_ffn}, expert{dim, config.expert_ffn};
  return {{3 * dim, dim},   {dim, dim},    {config.experts, dim}, {config.vocab, dim},
          shared.gate_up(), shared.down(), expert.gate_up(),      expert.down()};
}

}  // namespace moe_engine
