// Where this thread may run, and on which NUMA node memory lies.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace tutti {

// The processors that this thread may run on, ascending.
std::vector<int> allowed_cpus();

// How many threads of this process can really run at once: allowed processors, less where a control
// group's quota gives less time than that (rounded down). At least 1.
int available_cpus();

// How many NUMA nodes of this machine have memory; 1 where that cannot be told. One small file,
// read once a process: hwloc would take 10 ms in each.
int memory_nodes();
// The numbers in a list as the kernel writes it: 5 in "0-3,8". 0 for what is no such list.
int count_listed(std::string_view list);

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
