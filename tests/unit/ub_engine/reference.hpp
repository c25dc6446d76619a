// Programs for fibres, and a scheduler that runs them as slowly and plainly as possible: no heap,
// no switch, no fast path; it looks at everything to find what comes first.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "transports/ub/engine/fibre.hpp"

namespace tutti::ub {

struct Op {
  enum Kind : std::uint8_t { kAdvance, kEvent, kWake, kPark, kSpawn, kJoin, kCancel };
  Kind kind = kAdvance;
  int target = 0;          // program; of kEvent: whom it wakes
  std::int64_t delay = 0;  // from now; of kPark and kJoin the deadline, negative: never
  Entity who;              // of kEvent
};

struct Program {
  Entity who;
  bool root = false;  // begins at 0; others when they are spawned, at most once
  std::vector<Op> ops;
};

// What happened: an operation ended, an event ran (`op` 1000 + its number), a deadlock was told.
struct Step {
  std::int64_t time = 0;
  int program = 0;
  int op = 0;
  int result = 0;
  friend bool operator==(const Step&, const Step&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << step.time << " ps: program " << step.program << ", op " << step.op << " -> "
               << step.result;
  }
};
inline constexpr int kEventSteps = 1000;
inline constexpr int kDeadlockStep = -1;
inline constexpr int kEndStep = -2;  // result: 1 when it ended stuck

std::vector<Step> run_by_reference(const std::vector<Program>& programs,
                                   const Placement& placement);

}  // namespace tutti::ub
