// What rank 0 prints: the table of times, loads, and the verdict.
#pragma once

#include <string>
#include <vector>

#include "config.hpp"
#include "layer.hpp"
#include "reference.hpp"

namespace moe_layer {

struct Results {
  std::vector<std::vector<StepReport>> steps;  // [ranks][steps], without the warm-up
  std::vector<std::int64_t> loads;             // [experts], of all steps
  std::vector<int> owners;                     // [experts]
  std::vector<Difference> differences;         // [ranks]
  std::size_t words = 0;                       // in the text
};

// Prints everything; true when nothing differs.
bool print(const Config& config, const Results& results);

}  // namespace moe_layer
