#include "topology/processors.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <vector>

#include "base/cgroup.hpp"

namespace tutti {
namespace {

ProcessorSet allowed_processors() {
  constexpr std::size_t kWordBits = sizeof(unsigned long) * CHAR_BIT;
  ProcessorSet allowed;
  // The kernel refuses a mask smaller than its own; grow until it accepts.
  for (std::size_t words = kMostProcessors / kWordBits; words <= 4096; words *= 2) {
    std::vector<unsigned long> mask(words, 0);
    const long filled =
        ::syscall(SYS_sched_getaffinity, 0, words * sizeof(unsigned long), mask.data());
    if (filled < 0 && errno == EINVAL) continue;
    if (filled < 0) break;
    for (std::size_t cpu = 0; cpu < kMostProcessors; ++cpu) {
      allowed[cpu] = (mask[cpu / kWordBits] >> (cpu % kWordBits) & 1) != 0;
    }
    return allowed;
  }
  const auto online = static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  for (std::size_t cpu = 0; cpu < std::min(online, kMostProcessors); ++cpu) allowed.set(cpu);
  return allowed;
}

}  // namespace

std::optional<ProcessorSet> parse_processors(std::string_view list) {
  ProcessorSet set;
  const char* at = list.data();
  const char* const end = at + list.size();
  const auto number = [&](unsigned& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    at = next;
    return error == std::errc{};
  };
  for (;;) {
    unsigned first = 0;
    if (!number(first)) return {};
    unsigned last = first;
    if (at != end && *at == '-') {
      ++at;
      if (!number(last) || last < first) return {};
    }
    for (std::size_t cpu = first; cpu <= last && cpu < kMostProcessors; ++cpu) set.set(cpu);
    if (at == end) return set;
    if (*at++ != ',') return {};
  }
}

ProcessorShare processor_share() {
  ProcessorShare share{.allowed = allowed_processors()};
  if (const auto quota = Cgroups().cpu_quota()) share.quota = *quota;
  return share;
}

int processors_together(std::span<const ProcessorShare> shares) {
  ProcessorSet allowed;
  double quota = 0;
  for (const ProcessorShare& share : shares) {
    allowed |= share.allowed;
    quota = std::max(quota, share.quota);
  }
  const double time = std::min(static_cast<double>(allowed.count()), quota);
  return std::max(static_cast<int>(time), 1);
}

}  // namespace tutti
