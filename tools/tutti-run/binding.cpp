#include "binding.hpp"

#include <hwloc.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace tutti::launcher {

namespace {

struct DestroyTopology {
  void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
};
using Topology = std::unique_ptr<std::remove_pointer_t<hwloc_topology_t>, DestroyTopology>;

struct FreeBitmap {
  void operator()(hwloc_bitmap_t bitmap) const { hwloc_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<std::remove_pointer_t<hwloc_bitmap_t>, FreeBitmap>;

Topology load() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) fail_system("hwloc cannot start");
  Topology topology(raw);
  // A topology that HWLOC_SYNTHETIC makes up has nothing to do with where this process is bound.
  if (hwloc_topology_load(raw) != 0) fail_system("hwloc cannot read this machine's topology");
  if (hwloc_topology_is_thissystem(raw)) {
    const Bitmap mine(hwloc_bitmap_alloc());
    if (hwloc_get_cpubind(raw, mine.get(), HWLOC_CPUBIND_PROCESS) != 0 ||
        hwloc_topology_restrict(raw, mine.get(), 0) != 0) {
      fail_system("hwloc cannot tell where this process may run");
    }
  }
  return topology;
}

// The processors of all objects of a type that have any, each object's once.
std::vector<hwloc_const_cpuset_t> places(const Topology& topology, hwloc_obj_type_t type) {
  std::vector<hwloc_const_cpuset_t> places;
  const int count = hwloc_get_nbobjs_by_type(topology.get(), type);
  for (int i = 0; i < count; ++i) {
    hwloc_const_cpuset_t cpus =
        hwloc_get_obj_by_type(topology.get(), type, static_cast<unsigned>(i))->cpuset;
    const bool known = std::any_of(places.begin(), places.end(), [&](hwloc_const_cpuset_t each) {
      return hwloc_bitmap_isequal(each, cpus) != 0;
    });
    if (!hwloc_bitmap_iszero(cpus) && !known) places.push_back(cpus);
  }
  return places;
}

ProcessorMask mask_of(hwloc_const_bitmap_t cpus) {
  ProcessorMask mask(static_cast<std::size_t>(hwloc_bitmap_nr_ulongs(cpus)));
  hwloc_bitmap_to_ulongs(cpus, static_cast<unsigned>(mask.size()), mask.data());
  return mask;
}

std::size_t bytes_of(const ProcessorMask& mask) { return mask.size() * sizeof(unsigned long); }

}  // namespace

std::vector<ProcessorMask> bind_ranks(Binding binding, int ranks) {
  std::vector<ProcessorMask> masks(static_cast<std::size_t>(ranks));
  if (binding == Binding::kNone) return masks;
  const Topology topology = load();
  const bool cores = binding == Binding::kCore;
  const auto all = places(topology, cores ? HWLOC_OBJ_CORE : HWLOC_OBJ_NUMANODE);
  const int count = static_cast<int>(all.size());
  if (cores && count < ranks) {
    fail(tuttiInvalidArgument, "--bind core: {} ranks need a core each, {} can be used here", ranks,
         count);
  }
  if (!cores && count < 2) return masks;
  for (int rank = 0; rank < ranks; ++rank) {
    // Rank r of n takes the places from r * count / n up to where the next one begins; at least
    // one.
    const int first = rank * count / ranks;
    const int end = cores ? first + 1 : std::max((rank + 1) * count / ranks, first + 1);
    const Bitmap taken(hwloc_bitmap_alloc());
    for (int place = first; place < end; ++place) {
      hwloc_bitmap_or(taken.get(), taken.get(), all[static_cast<std::size_t>(place)]);
    }
    masks[static_cast<std::size_t>(rank)] = mask_of(taken.get());
  }
  return masks;
}

ScopedBinding::ScopedBinding(const ProcessorMask& mask) {
  if (mask.empty()) return;
  constexpr std::size_t kMostWords = 1024;
  ProcessorMask before(kMostWords);
  const long filled =
      ::syscall(SYS_sched_getaffinity, 0, kMostWords * sizeof(unsigned long), before.data());
  if (filled < 0) fail_system("asking where the launcher may run");
  before.resize(static_cast<std::size_t>(filled) / sizeof(unsigned long));
  if (::syscall(SYS_sched_setaffinity, 0, bytes_of(mask), mask.data()) != 0) {
    fail_system("binding a rank");
  }
  before_ = std::move(before);
}

ScopedBinding::~ScopedBinding() {
  if (!before_.empty()) ::syscall(SYS_sched_setaffinity, 0, bytes_of(before_), before_.data());
}

}  // namespace tutti::launcher
