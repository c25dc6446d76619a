// The experts of one rank, run on what arrived for them.
#pragma once

#include <vector>

#include "../../common/feed_forward.hpp"
#include "../language/weights.hpp"
#include "clock.hpp"
#include "exchange.hpp"

namespace moe_engine {

class Experts {
 public:
  // The references must outlive this.
  Experts(const ModelConfig& config, const example::Products& products, const Clock& clock);

  // Replaces every row that arrived by what the experts of `block` make of it.
  void run(const BlockWeights& block, Arrivals& arrivals);

 private:
  void run_on_groups(const BlockWeights& block, Arrivals& arrivals);
  void run_on_tokens(const BlockWeights& block, Arrivals& arrivals);
  void gather_visits(const Arrivals& arrivals, std::size_t experts);
  void add_weighted(const Arrivals& arrivals, const std::vector<std::size_t>& visits);
  void account(std::size_t rows) const;

  const ModelConfig& config_;
  const example::Products& products_;
  const Clock& clock_;
  example::FeedForward feed_forward_;
  std::vector<std::vector<std::size_t>> visits_;  // TOKEN: of each expert, row * top_k + lane
  std::vector<float> gathered_;                   // TOKEN: the rows of one expert's visits
  std::vector<float> sums_;                       // TOKEN: [num_rows, dim]
};

}  // namespace moe_engine
