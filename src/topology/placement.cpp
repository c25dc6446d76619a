// From the kernel directly: hwloc would load the whole topology in every process, 10 ms each.
#include "topology/placement.hpp"

#include <fmt/format.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

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

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

int memory_nodes() {
  static const int nodes = [] {
    const auto set = parse_processors(first_line("/sys/devices/system/node/has_memory"));
    return set ? std::max(static_cast<int>(set->count()), 1) : 1;
  }();
  return nodes;
}

int node_of(const ProcessorSet& processors, const std::string& folder) {
  const auto nodes = parse_processors(first_line(folder + "/online"));
  if (!nodes || processors.none()) return -1;
  for (std::size_t node = 0; node < nodes->size(); ++node) {
    if (!nodes->test(node)) continue;
    const auto own = parse_processors(first_line(fmt::format("{}/node{}/cpulist", folder, node)));
    if (own && (processors & ~*own).none()) return static_cast<int>(node);
  }
  return -1;
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
