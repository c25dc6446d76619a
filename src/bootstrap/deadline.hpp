// Deadlines of set-up, on the machine's clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <tutti/transport.hpp>

namespace tutti {

// Now and `timeout`; "for ever" (a timeout that would overflow the clock) is a year.
inline std::chrono::steady_clock::time_point deadline_after(Nanoseconds timeout) {
  constexpr Nanoseconds kLongest = std::chrono::hours{24 * 365};
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::min(timeout, kLongest));
}

}  // namespace tutti
