#include "api/sim/pictures.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/ub/trace/chrome_trace.hpp"

namespace tutti::api {

namespace {

const char* level_name(tuttiSimLevel_t level) {
  return level == tuttiSimBound ? "bound" : level == tuttiSimCell ? "cell" : "message";
}

}  // namespace

Pictures::Pictures(const tuttiSimConfig_t& config)
    : conditions_{.level = level_name(config.level),
                  .settings = {config.settings, config.settings + config.num_settings},
                  .timing_only = (config.flags & TUTTI_SIM_TIMING_ONLY) != 0} {
  if (config.trace != nullptr) trace_.emplace(config.trace);
  if (config.report != nullptr) report_.emplace(config.report);
}

void Pictures::write(ub::Simulation& simulation, const ub::SimulationReport& report, bool failed) {
  const auto attempt = [&](const auto& body) {
    try {
      body();
    } catch (const Error& error) {
      if (!failed) throw;
      TUTTI_WARN(kNet, "{}", error.what());
    }
  };
  if (trace_) {
    attempt([&] {
      ub::write_chrome_trace(*trace_, *simulation.record(), simulation.topology(), report);
    });
  }
  if (report_) {
    attempt([&] {
      ub::write_html_report(*report_, *simulation.record(), simulation.topology(), report,
                            conditions_);
    });
  }
}

}  // namespace tutti::api
