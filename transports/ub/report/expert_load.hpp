// How many rows came for each expert of MoE layers in a part of a run.
#pragma once

#include <vector>

#include "transports/ub/bus/run_record.hpp"
#include "transports/ub/report/port_use.hpp"

namespace tutti::ub {

struct ExpertLoad {
  int expert = 0;
  int rank = 0;  // that has it
  std::int64_t rows = 0;
};

// Of all dispatches that began in the interval, by expert.
std::vector<ExpertLoad> expert_load(const RunRecord& record, const Interval& interval);

}  // namespace tutti::ub
