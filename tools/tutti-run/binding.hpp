// On which processors each rank runs, by hwloc: a rank that stays on one NUMA node has its memory
// near.
#pragma once

#include <vector>

namespace tutti::launcher {

enum class Binding {
  kNone,  // wherever the launcher may run
  kNode,  // ranks in equal blocks over the NUMA nodes, each on its node (on several, where there
          // are fewer ranks than nodes); the same as kNone on a machine with one
  kCore   // each on a core of its own, with all its hardware threads; cores spread evenly
};

// A mask as sched_setaffinity takes it; empty: all that the launcher may use.
using ProcessorMask = std::vector<unsigned long>;

// One mask for each of `ranks` ranks, of processors that the launcher may use itself.
// tuttiInvalidArgument when kCore finds fewer cores than ranks; tuttiSystemError when hwloc cannot
// read the machine.
std::vector<ProcessorMask> bind_ranks(Binding binding, int ranks);

// This thread, and what it starts, runs where the mask says as long as this lives.
class ScopedBinding {
 public:
  explicit ScopedBinding(const ProcessorMask& mask);
  ~ScopedBinding();
  ScopedBinding(const ScopedBinding&) = delete;
  ScopedBinding& operator=(const ScopedBinding&) = delete;

 private:
  ProcessorMask before_;  // empty: nothing was changed
};

}  // namespace tutti::launcher
