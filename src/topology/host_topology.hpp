// What this machine is made of: processors, NUMA nodes, caches. Discovery by hwloc takes 10 ms, so
// one rank per host does it and the others adopt its result, which is plain bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tutti {

// Numbers of processors and nodes are the operating system's. Trivially copyable; sent between
// ranks.
struct HostTopology {
  static constexpr std::int32_t kMaxCpus = 1024;  // processors beyond are not described
  static constexpr std::size_t kModelBytes = 64;

  std::int32_t cpus = 0;  // hardware threads of the machine, whoever may use them
  std::int32_t cores = 0;
  std::int32_t nodes = 0;       // NUMA nodes; at least 1
  std::int32_t l3_domains = 0;  // groups of processors that share a last-level cache
  std::uint64_t l2_bytes = 0;   // of one such cache; 0: unknown
  std::uint64_t l3_bytes = 0;
  char model[kModelBytes] = {};        // as the processor calls itself
  std::int16_t node_of_cpu[kMaxCpus];  // -1: no such processor
  std::int16_t l3_of_cpu[kMaxCpus];    // counts from 0; -1: no such processor, or no such cache

  HostTopology();

  int node_of(int cpu) const noexcept { return cpu >= 0 && cpu < kMaxCpus ? node_of_cpu[cpu] : -1; }
};

// Asks hwloc: 10 ms. tuttiSystemError when it cannot tell.
HostTopology discover_host_topology();

// This process's knowledge of its host: adopted, or else discovered at the first call. The
// reference stays valid; any thread.
const HostTopology& host_topology();

// Saves host_topology() the discovery. Too late once that has been called: then it does nothing.
void adopt_host_topology(const HostTopology& topology);

}  // namespace tutti
