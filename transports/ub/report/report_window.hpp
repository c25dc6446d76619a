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

// What of a run is worth a look: every operation by name, and of these a few in detail.
struct ReportOperation {
  std::string title;                   // "AllReduce, 1 MiB, two_shot"
  bool marked = false;                 // by the program, and no call
  bool set_up = false;                 // makes or ends something
  std::vector<RecordedOperation> all;  // in order of time; the last one is shown
  Picoseconds time() const;            // of all of them
};

// Marks first, then calls, set-up last; of each the ones that took most of the time first.
std::vector<ReportOperation> report_operations(const RunRecord& record);

struct ReportWindow {
  std::string title;
  std::string kind;  // "run", "mark" or "call"
  CriticalPath path;
};

// Times are ps from the window's begin.
nlohmann::json window_json(const RunRecord& record, const Topology& topology,
                           const ReportWindow& window);

}  // namespace tutti::ub
