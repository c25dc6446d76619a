// A run as one page: how busy its ports were, what ranks did, what the run had to wait for. The
// file needs nothing but a browser, and no network.
#pragma once

#include <string>
#include <vector>

#include "transports/ub/bus/report.hpp"
#include "transports/ub/trace/critical_path.hpp"
#include "transports/ub/trace/output_file.hpp"

namespace tutti::ub {

// How the run was asked for.
struct RunConditions {
  std::string level;
  std::vector<std::string> settings{};
  bool timing_only = false;
};

// Throws what OutputFile does; closes it. What is shown is cut into bins, and of operations, ports
// and pieces the largest: a page of 384 ranks takes a few megabytes.
void write_html_report(OutputFile& file, const RunRecord& record, const Topology& topology,
                       const SimulationReport& report, const RunConditions& conditions);

}  // namespace tutti::ub
