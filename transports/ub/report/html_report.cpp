#include "transports/ub/report/html_report.hpp"

#include <tutti/tutti.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "transports/ub/report/report_operations.hpp"
#include "transports/ub/report/report_page.hpp"
#include "transports/ub/report/report_window.hpp"

namespace tutti::ub {

namespace {

using nlohmann::json;

constexpr std::size_t kMostWindows = 7;      // operations that are shown in detail
constexpr std::size_t kMostOperations = 40;  // that are listed

json facts_json(const Topology& topology, const SimulationReport& report,
                const RunConditions& conditions) {
  const Profile& profile = topology.profile();
  int finished = 0;
  for (const RankEnd& end : report.ranks) finished += end.how == RankEnd::How::kFinished;
  return {{"fabric", profile.name},
          {"about", profile.about},
          {"ranks", topology.ranks()},
          {"units_per_rank", topology.units_per_rank()},
          {"unit", profile.levels.front().name},
          {"nodes", topology.nodes()},
          {"level", conditions.level},
          {"settings", conditions.settings},
          {"timing_only", conditions.timing_only},
          {"end_ps", report.end.count()},
          {"bound_ps", report.bound.count()},
          {"transfers", report.transfers},
          {"bytes", report.bytes},
          {"digest", fmt::format("{:016x}", report.arrivals)},
          {"finished_ranks", finished},
          {"version", TUTTI_VERSION_CODE}};
}

json operation_json(const ReportOperation& operation, int window) {
  Picoseconds least = Picoseconds::max();
  Picoseconds most{};
  for (const RecordedOperation& each : operation.all) {
    least = std::min(least, each.end - each.begin);
    most = std::max(most, each.end - each.begin);
  }
  const auto count = static_cast<std::int64_t>(operation.all.size());
  return {{"title", operation.title},
          {"count", count},
          {"mean_ps", operation.time().count() / count},
          {"min_ps", least.count()},
          {"max_ps", most.count()},
          {"window", window}};
}

// Inside a script element, whatever the names in it are.
std::string page_text(const json& data) {
  std::string text;
  for (const char c : data.dump(-1, ' ', false, json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

void write_html_report(OutputFile& file, const RunRecord& record, const Topology& topology,
                       const SimulationReport& report, const RunConditions& conditions) {
  const CriticalPaths paths(record, topology);
  json windows = json::array();
  json listed = json::array();
  for (const ReportOperation& operation : report_operations(record)) {
    if (listed.size() == kMostOperations) break;
    const bool shown = windows.size() < kMostWindows && !operation.set_up;
    listed.push_back(operation_json(operation, shown ? static_cast<int>(windows.size()) : -1));
    if (!shown) continue;
    windows.push_back(window_json(record, topology,
                                  {.title = operation.title,
                                   .kind = operation.marked ? "mark" : "call",
                                   .path = paths.of(operation.all.back())}));
  }
  if (report.end > Picoseconds::zero()) {
    windows.push_back(
        window_json(record, topology,
                    {.title = "The whole run", .kind = "run", .path = paths.of_run(report.end)}));
  }
  json parts = json::array();
  for (std::size_t part = 0; part < kParts; ++part)
    parts.push_back(name_of(static_cast<Part>(part)));
  const json data = {{"format", 1},
                     {"facts", facts_json(topology, report, conditions)},
                     {"parts", std::move(parts)},
                     {"operations", std::move(listed)},
                     {"windows", std::move(windows)}};
  const std::string_view page = report_page();
  const std::size_t mark = page.find(kReportDataMark);
  if (mark == std::string_view::npos)
    fail(tuttiInternalError, "the report's page has no place for data");
  file.print("{}{}{}", page.substr(0, mark), page_text(data),
             page.substr(mark + kReportDataMark.size()));
  file.close();
}

}  // namespace tutti::ub
