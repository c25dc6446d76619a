// The layer without communication: one rank computes its tokens through all experts alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config.hpp"
#include "tokens.hpp"

namespace moe_layer {

struct Difference {
  std::int64_t elements = 0;  // compared
  std::int64_t differ = 0;    // not equal
  double largest = 0;         // absolute
};

// Compares outs[i] [n, hidden] with what batches[i] should give. `owners` [experts] is the rank of
// each expert: with TOKEN the results of one rank are rounded before those of the next are added.
Difference compare(const Config& config, const std::vector<int>& owners,
                   std::span<const Batch> batches, std::span<const std::vector<Bf16>> outs);

}  // namespace moe_layer
