#include "fabric_run.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "api/sim/sim_options.hpp"

namespace tutti::launcher {

std::unique_ptr<FabricWorld> open_fabric(const Options& options) {
  std::vector<const char*> settings;
  const tuttiSimConfig_t config = perf::sim_config(options.fabric, settings);
  ub::SimulationOptions simulation = api::simulation_options(&config, options.ranks);
  return std::make_unique<FabricWorld>(std::move(simulation), api::Pictures(config),
                                       options.silence);
}

// On stderr: what the program prints is its own.
void print_outcome(const Options& options, const FabricWorld::Outcome& outcome) {
  const ub::SimulationReport& report = outcome.report;
  const auto end = report.end.count();
  fmt::print(stderr,
             "# Fabric               : {}, level {}, {} processes\n"
             "# Virtual time         : {}.{:06} us in all\n"
             "# Arrivals digest      : {:016x}\n"
             "# Payload digest       : {:016x}\n"
             "# Moved                : {} bytes in {} transfers\n"
             "# Hand-offs            : {}\n",
             options.fabric.name, options.fabric.level, options.ranks, end / 1'000'000,
             end % 1'000'000, report.arrivals, report.payload, report.bytes, report.transfers,
             outcome.hand_offs);
}

}  // namespace tutti::launcher
