// The record of a run as a trace that chrome://tracing and ui.perfetto.dev show: a process a rank,
// a track a stream, arrows from who started a transfer to whose wait it ended.
// docs/simulated-bus.md has the format.
#pragma once

#include "transports/ub/bus/report.hpp"
#include "transports/ub/trace/critical_path.hpp"
#include "transports/ub/trace/output_file.hpp"

namespace tutti::ub {

// Writes as it goes: a record of many gigabytes is never there a second time. Throws what
// OutputFile does; closes it.
void write_chrome_trace(OutputFile& file, const RunRecord& record, const Topology& topology,
                        const SimulationReport& report);

}  // namespace tutti::ub
