// tutti-run's options as a simulated fabric, and what it says of the run.
#pragma once

#include <memory>

#include "fabric_world.hpp"
#include "tools/tutti-run/options.hpp"

namespace tutti::launcher {

// tuttiInvalidArgument for what no fabric has.
std::unique_ptr<FabricWorld> open_fabric(const Options& options);

void print_outcome(const Options& options, const FabricWorld::Outcome& outcome);

}  // namespace tutti::launcher
