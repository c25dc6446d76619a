// tutti-sim explain: why the library runs a call by the algorithm that it chooses.
#pragma once

#include <string>

#include "perf/tutti_perf/fabric_options.hpp"

namespace tutti::sim {

struct Explanation {
  perf::FabricOptions fabric;
  int ranks = 0;
  std::string op;     // "all_reduce", as tutti-perf has them
  std::string bytes;  // "1M": what tutti-perf's -b means
};

// Prints every algorithm that could run the call on this fabric, by the time that the library's
// model predicts, and what of that time is due to latencies, bytes, and so on. Throws tutti::Error
// or std::invalid_argument for what is wrong with the question.
void explain(const Explanation& question);

}  // namespace tutti::sim
