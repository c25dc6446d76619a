// Which experts a token visits, and what their answers weigh.
#pragma once

#include <cstdint>
#include <vector>

#include "../../common/products.hpp"
#include "config.hpp"

namespace moe_engine {

// [tokens, top_k], lanes in descending probability; of equal experts the first one is taken.
struct Routing {
  std::vector<std::int32_t> experts;
  std::vector<float> weights;
};

class Router {
 public:
  // For at most `tokens` tokens. The references must outlive this.
  Router(const ModelConfig& config, const example::Products& products, std::size_t tokens);

  // Routes `rows` normalised rows with `gate` [dim, experts].
  void route(const std::vector<float>& gate, std::size_t rows, const float* normed,
             Routing& routing);

 private:
  void choose(const float* scores, std::int32_t* experts, float* weights);

  const ModelConfig& config_;
  const example::Products& products_;
  std::vector<float> scores_;        // [tokens, experts]
  std::vector<std::int32_t> order_;  // [experts]
};

}  // namespace moe_engine
