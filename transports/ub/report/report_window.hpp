// A part of a run that the report shows: the whole of it, or one operation, as JSON for the page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "transports/ub/bus/report.hpp"
#include "transports/ub/report/port_use.hpp"
#include "transports/ub/report/rank_tracks.hpp"
#include "transports/ub/trace/critical_path.hpp"

namespace tutti::ub {

struct ReportWindow {
  std::string title;
  std::string kind;  // "run", "mark" or "call"
  CriticalPath path;
};

// Times are ps from the window's begin.
nlohmann::json window_json(const RunRecord& record, const Topology& topology,
                           const ReportWindow& window);

}  // namespace tutti::ub
