// The clock of everything that is measured.
#pragma once

#include <chrono>

namespace tutti::perf {

// Steady, from an arbitrary start.
inline double now_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::micro>(since).count();
}

}  // namespace tutti::perf
