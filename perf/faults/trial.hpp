// One fault among ranks that are processes: how long until every survivor's call has returned.
#pragma once

#include <string>

#include "perf/faults/calls.hpp"

namespace tutti::faults {

enum class Fault {
  kKill,   // SIGKILL to the victim
  kAbort,  // tuttiCommAbort by another thread of the victim
};

// What the ranks do when it happens.
enum class State {
  kBusy,    // all of them make calls, one after the other
  kWaiting  // the victim never calls, or (abort) rank 0; the others wait for it, asleep
};

struct Trial {
  double ms = 0;        // from the fault to the return of the last survivor
  std::string wrong{};  // not empty: a survivor that returned something else, or nothing
};

// Forks the ranks, so that this process may never have used the library. None of them is left.
Trial run_trial(const Work& work, Fault fault, State state, int ranks, unsigned seed);

}  // namespace tutti::faults
