// What a tuttiSimConfig_t means, for whoever runs a simulation.
#pragma once

#include <tutti/sim.h>

#include "transports/ub/bus/simulation.hpp"

namespace tutti::api {

// `config` may be NULL. Throws what tuttiSimRun returns before any rank runs.
ub::SimulationOptions simulation_options(const tuttiSimConfig_t* config, int nranks);

}  // namespace tutti::api
