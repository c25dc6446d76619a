// The files in which a simulated run is shown: tuttiSimConfig_t's trace and report.
#pragma once

#include <tutti/sim.h>

#include <optional>

#include "transports/ub/bus/simulation.hpp"
#include "transports/ub/report/html_report.hpp"
#include "transports/ub/trace/output_file.hpp"

namespace tutti::api {

class Pictures {
 public:
  // Makes the files, before any rank runs; tuttiSystemError where that fails.
  explicit Pictures(const tuttiSimConfig_t& config);

  // Fills them, if there are any, from the record of the run, which has ended. tuttiSystemError
  // where they cannot be written. A run that failed is worth being shown, but what failed is the
  // first thing to say: then such an error is a warning.
  void write(ub::Simulation& simulation, const ub::SimulationReport& report, bool failed);

 private:
  ub::RunConditions conditions_;
  std::optional<ub::OutputFile> trace_;
  std::optional<ub::OutputFile> report_;
};

}  // namespace tutti::api
