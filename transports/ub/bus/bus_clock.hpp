// Virtual time as a rank reads it.
#pragma once

#include <tutti/transport.hpp>

#include "transports/ub/bus/rank_port.hpp"

namespace tutti::ub {

// Reading the clock is free, but whoever reads the same time again and again is polling it, and
// then pays like one: no loop that looks at the clock stands still.
class BusClock final : public Clock {
 public:
  // `port` outlives the clock.
  explicit BusClock(RankPort& port) noexcept : port_(port) {}

  Nanoseconds now() noexcept override {
    Scheduler& scheduler = port_.scheduler();
    if (scheduler.now() != last_) {
      last_ = scheduler.now();
      asked_ = 0;
    } else if (++asked_ >= kPatience && scheduler.in_fibre()) {
      asked_ = 0;
      const KeepFibre keep;  // nothing may be thrown from here
      scheduler.advance(kStep);
    }
    return port_.now();
  }

 private:
  static constexpr int kPatience = 64;
  static constexpr Picoseconds kStep{1000};

  RankPort& port_;
  Picoseconds last_{-1};
  int asked_ = 0;
};

}  // namespace tutti::ub
