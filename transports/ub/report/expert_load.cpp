#include "transports/ub/report/expert_load.hpp"

#include <map>

namespace tutti::ub {

std::vector<ExpertLoad> expert_load(const RunRecord& record, const Interval& interval) {
  std::map<int, ExpertLoad> loads;
  for (const RecordedLoad& load : record.loads()) {
    const RecordedCall& call = record.calls()[load.call];
    if (call.begin < interval.begin || call.begin >= interval.end) continue;
    ExpertLoad& sum = loads[load.expert];
    sum.expert = load.expert;
    sum.rank = record.fibres()[call.fibre].who.rank;
    sum.rows += load.rows;
  }
  std::vector<ExpertLoad> all;
  all.reserve(loads.size());
  for (const auto& [expert, load] : loads) all.push_back(load);
  return all;
}

}  // namespace tutti::ub
