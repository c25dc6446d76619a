// One rank's part of a run: its share of the requests, and on rank 0 the report.
#pragma once

#include <tutti/tutti.hpp>

#include "language/weights.hpp"
#include "options.hpp"
#include "workload.hpp"

namespace moe_engine {

// Collective. Whether everything is as expected; on ranks other than 0, true.
bool run_rank(const Options& options, const Model& model, const Workload& work,
              tutti::Communicator& comm);

}  // namespace moe_engine
