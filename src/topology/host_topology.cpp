#include "topology/host_topology.hpp"

#include <hwloc.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>

#include "base/error.hpp"
#include "base/log.hpp"

namespace tutti {
namespace {

static_assert(std::is_trivially_copyable_v<HostTopology>);

struct DestroyTopology {
  void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
};
using Hwloc = std::unique_ptr<std::remove_pointer_t<hwloc_topology_t>, DestroyTopology>;

Hwloc load() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) fail_system("hwloc cannot start");
  Hwloc topology(raw);
  // The whole machine, not this process's share of it: the result is for every rank of the host.
  hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  if (hwloc_topology_load(raw) != 0) fail_system("hwloc cannot read this machine's topology");
  return topology;
}

int count_of(hwloc_topology_t topology, hwloc_obj_type_t type) {
  return std::max(hwloc_get_nbobjs_by_type(topology, type), 0);
}

// Calls visit(object, index) for every object of a type.
template <typename Visit>
void for_each(hwloc_topology_t topology, hwloc_obj_type_t type, const Visit& visit) {
  const int count = count_of(topology, type);
  for (int i = 0; i < count; ++i)
    visit(hwloc_get_obj_by_type(topology, type, static_cast<unsigned>(i)), i);
}

// The first object that holds a processor wins: of a node with several kinds of memory that is
// DRAM.
void mark_cpus(hwloc_const_cpuset_t cpus, int value, std::int16_t (&map)[HostTopology::kMaxCpus]) {
  if (cpus == nullptr) return;
  for (int cpu = hwloc_bitmap_first(cpus); cpu >= 0 && cpu < HostTopology::kMaxCpus;
       cpu = hwloc_bitmap_next(cpus, cpu))
    if (map[cpu] < 0) map[cpu] = static_cast<std::int16_t>(value);
}

std::string model_of(hwloc_topology_t topology) {
  for (const hwloc_obj_type_t type : {HWLOC_OBJ_PACKAGE, HWLOC_OBJ_MACHINE}) {
    if (count_of(topology, type) == 0) continue;
    const char* model =
        hwloc_obj_get_info_by_name(hwloc_get_obj_by_type(topology, type, 0), "CPUModel");
    if (model != nullptr) return model;
  }
  return "";
}

struct Known {
  std::mutex mutex;
  std::optional<HostTopology> topology;
};

// Never destroyed: references to the topology stay valid while the process ends.
Known& known() {
  static auto* const instance = new Known;
  return *instance;
}

}  // namespace

HostTopology::HostTopology() {
  std::fill(std::begin(node_of_cpu), std::end(node_of_cpu), std::int16_t{-1});
  std::fill(std::begin(l3_of_cpu), std::end(l3_of_cpu), std::int16_t{-1});
}

HostTopology discover_host_topology() {
  const Hwloc loaded = load();
  hwloc_topology_t topology = loaded.get();
  HostTopology host;
  host.cpus = count_of(topology, HWLOC_OBJ_PU);
  host.cores = count_of(topology, HWLOC_OBJ_CORE);
  host.nodes = std::max(count_of(topology, HWLOC_OBJ_NUMANODE), 1);
  host.l3_domains = count_of(topology, HWLOC_OBJ_L3CACHE);
  for_each(topology, HWLOC_OBJ_NUMANODE, [&](hwloc_obj_t node, int) {
    mark_cpus(node->cpuset, static_cast<int>(node->os_index), host.node_of_cpu);
  });
  for_each(topology, HWLOC_OBJ_L3CACHE, [&](hwloc_obj_t cache, int index) {
    mark_cpus(cache->cpuset, index, host.l3_of_cpu);
    host.l3_bytes = cache->attr->cache.size;
  });
  if (count_of(topology, HWLOC_OBJ_L2CACHE) > 0)
    host.l2_bytes = hwloc_get_obj_by_type(topology, HWLOC_OBJ_L2CACHE, 0)->attr->cache.size;
  const std::string model = model_of(topology);
  std::copy_n(model.data(), std::min(model.size(), HostTopology::kModelBytes - 1), host.model);
  return host;
}

const HostTopology& host_topology() {
  Known& mine = known();
  std::lock_guard lock(mine.mutex);
  if (!mine.topology) {
    mine.topology = discover_host_topology();
    TUTTI_INFO(kTopo, "{}: {} processors, {} cores, {} nodes, {} L3 of {} KiB",
               mine.topology->model, mine.topology->cpus, mine.topology->cores,
               mine.topology->nodes, mine.topology->l3_domains, mine.topology->l3_bytes / 1024);
  }
  return *mine.topology;
}

void adopt_host_topology(const HostTopology& topology) {
  Known& mine = known();
  std::lock_guard lock(mine.mutex);
  if (!mine.topology) mine.topology = topology;
}

}  // namespace tutti
