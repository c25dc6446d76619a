// The requests of a run, the same on every rank.
#pragma once

#include <optional>
#include <vector>

#include "language/config.hpp"
#include "options.hpp"
#include "serving/request.hpp"

namespace moe_engine {

struct Workload {
  std::vector<Request> requests;
  std::optional<double> expected_bits;  // per byte of what is evaluated
};

// UsageError for a prompt that the model cannot take, or no work at all; std::runtime_error naming
// the file where what is expected cannot be read.
Workload make_workload(const Options& options, const ModelConfig& config);

}  // namespace moe_engine
