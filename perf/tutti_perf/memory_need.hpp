// What a run on a simulated fabric needs of this machine's memory, before it starts.
#pragma once

#include <cstddef>

#include "perf/tutti_perf/options.hpp"

namespace tutti::perf {

struct MemoryNeed {
  std::size_t data = 0;     // buffers of the ranks, and what they are compared with
  std::size_t library = 0;  // control segments, routing, stacks
  std::size_t total() const { return data + library; }
};

// From above: of the largest operation and size that the options name.
MemoryNeed memory_need(const Options& options, int ranks);

// Throws Error (tuttiSystemError) with both numbers where `available` bytes, if that is known (not
// 0), are not enough.
void check_memory(const Options& options, int ranks, std::size_t available);

}  // namespace tutti::perf
