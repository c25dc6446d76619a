// mbind is called directly: hwloc's wrapper needs the whole topology loaded in every process, 10 ms
// each.
#include "topology/placement.hpp"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

#include "base/cgroup.hpp"
#include "base/log.hpp"

namespace tutti {
namespace {

constexpr std::size_t kMaskBits = sizeof(unsigned long) * CHAR_BIT;
constexpr std::size_t kMaxNodes = 1024;

void warn_once(int node, std::size_t bytes, int cause) {
  static std::atomic<bool> warned{false};
  if (warned.exchange(true, std::memory_order_relaxed)) return;
  TUTTI_WARN(kTopo, "{} bytes cannot be placed on NUMA node {} ({}); said once", bytes, node,
             std::strerror(cause));
}

}  // namespace

std::vector<int> allowed_cpus() {
  // The kernel refuses a mask smaller than its own; grow until it accepts.
  for (std::size_t words = 16; words <= 4096; words *= 2) {
    std::vector<unsigned long> mask(words, 0);
    const long filled =
        syscall(SYS_sched_getaffinity, 0, words * sizeof(unsigned long), mask.data());
    if (filled < 0 && errno == EINVAL) continue;
    if (filled < 0) break;
    std::vector<int> cpus;
    for (std::size_t cpu = 0; cpu < words * kMaskBits; ++cpu)
      if ((mask[cpu / kMaskBits] >> (cpu % kMaskBits) & 1) != 0)
        cpus.push_back(static_cast<int>(cpu));
    return cpus;
  }
  std::vector<int> all;
  for (int cpu = 0; cpu < std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)); ++cpu) all.push_back(cpu);
  return all;
}

int available_cpus() {
  const int allowed = static_cast<int>(allowed_cpus().size());
  const auto quota = Cgroups().cpu_quota();
  if (!quota || *quota >= allowed) return std::max(allowed, 1);
  return std::max(static_cast<int>(*quota), 1);
}

int count_listed(std::string_view list) {
  int count = 0;
  const char* at = list.data();
  const char* const end = at + list.size();
  const auto number = [&](int& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    at = next;
    return error == std::errc{} && value >= 0;
  };
  for (;;) {
    int first = 0;
    if (!number(first)) return 0;
    int last = first;
    if (at != end && *at == '-') {
      ++at;
      if (!number(last) || last < first) return 0;
    }
    count += last - first + 1;
    if (at == end) return count;
    if (*at++ != ',') return 0;
  }
}

int memory_nodes() {
  static const int nodes = [] {
    std::ifstream file("/sys/devices/system/node/has_memory");
    std::string list;
    std::getline(file, list);
    return std::max(count_listed(list), 1);
  }();
  return nodes;
}

int node_of_this_thread() noexcept {
  unsigned cpu = 0, node = 0;
  return syscall(SYS_getcpu, &cpu, &node, nullptr) == 0 ? static_cast<int>(node) : -1;
}

void place_memory(void* start, std::size_t bytes, int node, int nodes) {
  if (nodes <= 1 || node < 0 || bytes == 0) return;
  if (static_cast<std::size_t>(node) >= kMaxNodes) return warn_once(node, bytes, EINVAL);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(start) / page * page;
  const auto last = reinterpret_cast<std::uintptr_t>(start) + bytes;
  unsigned long mask[kMaxNodes / kMaskBits] = {};
  const auto bit = static_cast<std::size_t>(node);
  mask[bit / kMaskBits] = 1UL << (bit % kMaskBits);
  if (syscall(SYS_mbind, first, last - first, MPOL_PREFERRED, mask, kMaxNodes, MPOL_MF_MOVE) != 0)
    warn_once(node, bytes, errno);
}

}  // namespace tutti
