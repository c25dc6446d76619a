// Steps of a MoE layer whose experts change nothing: a token comes back as often as it was sent.
#pragma once

#include "tests/sim/races/race_run.hpp"

namespace tutti::test {

struct MoeShape {
  bool token = true;    // layout TOKEN; otherwise EXPERT
  bool staged = false;  // private memory, which peers cannot read in place
};

RaceBody moe_steps(const MoeShape& shape);

}  // namespace tutti::test
