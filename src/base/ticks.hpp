// The processor's own counter: 5-10 ns to read where steady_clock takes 20-30, for times that only
// people read. Not for deadlines.
#pragma once

#include <cstdint>
#include <tutti/transport.hpp>

#include "base/clock.hpp"
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace tutti {

inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  std::uint64_t count;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
  return static_cast<std::uint64_t>(steady_now().count());
#endif
}

// Turns ticks into time. The rate is what was seen since the scale was made, so that nothing has to
// be measured at start.
class TickScale {
 public:
  static TickScale of_processor() noexcept { return TickScale(ticks(), steady_now()); }
  // For clocks of their own, such as a simulated one: a tick is a nanosecond.
  static TickScale of_nanoseconds() noexcept { return TickScale(); }

  Nanoseconds time_between(std::uint64_t from, std::uint64_t to) const noexcept {
    const double span = to > from ? static_cast<double>(to - from) : 0;
    return Nanoseconds(static_cast<Nanoseconds::rep>(span * nanoseconds_per_tick()));
  }
  std::uint64_t ticks_in(Nanoseconds time) const noexcept {
    const double rate = nanoseconds_per_tick();
    return rate > 0 ? static_cast<std::uint64_t>(static_cast<double>(time.count()) / rate) : 0;
  }

 private:
  TickScale() = default;
  TickScale(std::uint64_t start, Nanoseconds start_time) noexcept
      : measured_(true), start_(start), start_time_(start_time) {}

  double nanoseconds_per_tick() const noexcept {
    if (!measured_) return 1;
    const std::uint64_t passed = ticks() - start_;
    const Nanoseconds time = steady_now() - start_time_;
    return passed > 0 ? static_cast<double>(time.count()) / static_cast<double>(passed) : 0;
  }

  bool measured_ = false;
  std::uint64_t start_ = 0;
  Nanoseconds start_time_{0};
};

}  // namespace tutti
