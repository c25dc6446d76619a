// On which NUMA node a rank is, and its memory.
#pragma once

#include <cstddef>
#include <string>

#include "topology/processors.hpp"

namespace tutti {

// How many NUMA nodes of this machine have memory; 1 where that cannot be told. Read once a
// process.
int memory_nodes();

// The NUMA node that has all of these processors, as `folder` describes the nodes; -1 where none
// does, or none is described.
int node_of(const ProcessorSet& processors, const std::string& folder = "/sys/devices/system/node");

// The NUMA node of the processor that this thread runs on, which is the one to place its memory on:
// of all where it may run, it is there now. -1 where it cannot be told.
int node_of_this_thread() noexcept;

// Asks that the pages of [start, start + bytes) come from `node` (moving those of this process that
// lie elsewhere), falling back to other nodes when it is full. In shared memory that holds for
// whoever touches them first. Does nothing on a machine with one of `nodes`, or for node -1.
// Advice: a failure is logged once, never an error.
void place_memory(void* start, std::size_t bytes, int node, int nodes);
inline void place_near_this_thread(void* start, std::size_t bytes) {
  if (const int nodes = memory_nodes(); nodes > 1) {
    place_memory(start, bytes, node_of_this_thread(), nodes);
  }
}

}  // namespace tutti
