// How long a dispatch and a combine take by the steps of published operators, over the fabric model
// alone: no fibres, no bytes. What a calibration asks while it fits a profile's software costs.
#pragma once

#include <cstdint>
#include <vector>

#include "transports/ub/model/profile.hpp"

namespace tutti::calibration {

using ub::Picoseconds;

struct MoeWorkload {
  int ranks = 8;
  int tokens = 128;  // per rank
  int top_k = 8;     // distinct experts, uniform over all; a row each
  int experts = 256;
  std::uint64_t input_bytes = 14336;  // of a token, before it is quantised
  std::uint64_t dispatch_row_bytes = 14336;
  std::uint64_t combine_row_bytes = 14336;
  bool quantises = false;
  bool copies_out = true;         // dispatch; else rows land where they are wanted
  bool returns_by_token = false;  // combine; else all rows of a rank after another
  std::uint64_t seed = 1;         // of the routing
};

// When the steps of an operator have ended, in order; the last is the operator's time. Ranks start
// at 0 together.
struct StepTimes {
  struct Step {
    const char* name;
    Picoseconds mean;  // over ranks
    Picoseconds latest;
  };
  std::vector<Step> steps;
};

struct MoeTimes {
  StepTimes dispatch;
  StepTimes combine;
};

// Dispatch: entry; per token load, quantise, issue of a row per lane, pipelined within each core;
// rows travel at level `message`; the cores meet; a flag with a count to every peer; flags are
// polled, counts taken into a prefix sum of log2(ranks) stages, each of which ends with a meeting
// of the cores; per row a core looks at its slot and copies it out.
//
// Combine: entry; counts are read; per row load, issue and flag; the cores meet; per token, lane by
// lane: the row's flag is seen, the row is loaded and added.
//
// Throws tuttiInvalidArgument where the profile has no software costs or not that many ranks.
MoeTimes moe_times(const ub::Profile& profile, const MoeWorkload& workload);

}  // namespace tutti::calibration
