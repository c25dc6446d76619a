// The machine's steady clock as tutti::Clock.
#pragma once

#include <chrono>
#include <tutti/transport.hpp>

namespace tutti {

inline Nanoseconds steady_now() noexcept {
  return std::chrono::duration_cast<Nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

class SteadyClock final : public Clock {
 public:
  Nanoseconds now() noexcept override { return steady_now(); }
};

}  // namespace tutti
