// Where this thread may run, and on which NUMA node memory lies.
#pragma once

#include <cstddef>
#include <vector>

#include "topology/host_topology.hpp"

namespace tutti {

// The processors that this thread may run on, ascending.
std::vector<int> allowed_cpus();

// How many threads of this process can really run at once: allowed processors, less where a control
// group's quota gives less time than that (rounded down). At least 1.
int available_cpus();

// The NUMA node to place this thread's memory on: the one that holds all processors it may run on,
// or else the one it runs on now. -1 where it cannot be told.
int node_of_this_thread(const HostTopology& topology);

// Asks that the pages of [start, start + bytes) come from `node` (moving those of this process that
// lie elsewhere), falling back to other nodes when it is full. Does nothing on a machine with one
// node, or for node -1. Advice: a failure is logged once, never an error.
void place_memory(void* start, std::size_t bytes, int node, const HostTopology& topology);

}  // namespace tutti
