#include "perf/common/machine.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace tutti::perf {
namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const auto colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

Machine describe_machine() {
  Machine machine{.cpu = cpu_model(),
                  .cores = 1,
                  .kernel = "unknown",
                  .compiler = std::string("gcc ") + __VERSION__,
                  .flags = TUTTI_PERF_FLAGS};
#ifdef __clang__
  machine.compiler = __VERSION__;
#endif
  machine.cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  utsname name{};
  if (uname(&name) == 0) machine.kernel = name.release;
  return machine;
}

}  // namespace tutti::perf
