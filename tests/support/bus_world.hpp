// A communicator whose ranks are fibres of one simulation.
#pragma once

#include "tests/support/worlds.hpp"
#include "transports/ub/bus/simulation.hpp"

namespace tutti::test {

// Runs `body` on `ranks` ranks; every rank finishes, or the test fails.
ub::SimulationReport run_on_bus(ub::SimulationOptions options, int ranks, const World::Body& body);

}  // namespace tutti::test
