// Virtual time as a rank reads it.
#pragma once

#include <tutti/transport.hpp>

#include "transports/ub/bus/rank_port.hpp"

namespace tutti::ub {

// Reading the clock is free, but whoever reads the same time again and again is polling it, and
// then pays like one: no loop that looks at the clock stands still.
class PatientClock : public Clock {
 public:
  // Rounded down: a deadline in nanoseconds is reached when all of its picoseconds have passed.
  Nanoseconds now() noexcept final {
    const Picoseconds time = read();
    if (time != last_) {
      last_ = time;
      asked_ = 0;
    } else if (++asked_ >= kPatience && pass(kStep)) {
      asked_ = 0;
    }
    return std::chrono::duration_cast<Nanoseconds>(read());
  }

 private:
  virtual Picoseconds read() noexcept = 0;
  // False: for who reads the clock time does not pass.
  virtual bool pass(Picoseconds step) noexcept = 0;

  static constexpr int kPatience = 64;
  static constexpr Picoseconds kStep{1000};

  Picoseconds last_{-1};
  int asked_ = 0;
};

class BusClock final : public PatientClock {
 public:
  // `port` outlives the clock.
  explicit BusClock(RankPort& port) noexcept : port_(port) {}

 private:
  Picoseconds read() noexcept override { return port_.scheduler().now(); }
  bool pass(Picoseconds step) noexcept override {
    if (!port_.scheduler().in_fibre()) return false;
    const KeepFibre keep;  // nothing may be thrown from here
    port_.scheduler().advance(step);
    return true;
  }

  RankPort& port_;
};

}  // namespace tutti::ub
