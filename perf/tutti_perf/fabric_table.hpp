// The table of a run on a simulated fabric: virtual times, and below it what the run was like.
#pragma once

#include <string>

#include "perf/common/report.hpp"

namespace tutti::perf {

// A placement's two heading lines and its columns.
inline constexpr const char* kFabricHeading =
    "      mean       max     bound   algbw   busbw #wrong";
inline constexpr const char* kFabricUnits = "      (us)      (us)      (us)  (GB/s)  (GB/s)       ";
std::string fabric_columns(const Row& row);

// The head of the report: what the times are.
std::string fabric_head(const Report& report);
// A phase of moe: heading lines, and a line.
std::string fabric_phase_heading();
std::string fabric_phase_line(const Row& row);
// p2p: heading lines, and a line.
std::string pair_heading();
std::string pair_line(const Row& row);
// Under the table.
std::string fabric_foot(const SimulationFacts& facts);

}  // namespace tutti::perf
