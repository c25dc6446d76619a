// Ranks on a simulated fabric: fibres of this program (tuttiSimRun).
#pragma once

#include "perf/common/report.hpp"
#include "perf/tutti_perf/world.hpp"

namespace tutti::perf {

// The most memory that this program has had, so far.
std::size_t most_resident_bytes();

// Throws Error where this machine has not the memory for it. Runs `main` on options.ranks ranks of
// options.fabric, and says what the run was like and what went wrong.
SimulationFacts run_on_fabric(const Options& options, Board& board, const RankMain& main);

}  // namespace tutti::perf
