// What rank 0 prints: texts, how fast, and where the time went.
#pragma once

#include <string>
#include <vector>

#include "options.hpp"
#include "workload.hpp"

namespace moe_engine {

struct Answer {
  Outcome outcome;
  std::string text;
};

struct Results {
  std::vector<Answer> answers;     // of all requests
  std::vector<EngineTimes> times;  // of all ranks
  bool virtual_time = false;
};

// Prints everything; whether what was expected came out.
bool print(const Options& options, const Workload& work, const Results& results);

}  // namespace moe_engine
