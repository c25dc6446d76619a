// Timing: a sample is a batch of iterations of at least 20 us, divided by its length; where time is
// virtual, one iteration of ranks that begin together, or a few back to back. A row's times are,
// sample by sample, the maximum over ranks.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "perf/tutti_perf/session.hpp"

namespace tutti::perf {

// The sum of `value` over all ranks. Collective.
std::size_t total(tuttiComm_t comm, std::size_t value);

// Adds up the time of each phase.
class PhaseWatch {
 public:
  // `metered`: what is sent meanwhile counts for the phase's bound.
  PhaseWatch(TimeKeeper& time, std::size_t phases, bool metered)
      : time_(time), us_(phases), metered_(metered) {}

  template <class Function>
  void time(std::size_t phase, Function&& function) {
    if (metered_) time_.meter(phase);
    const double start = time_.now_us();
    function();
    us_[phase] += time_.now_us() - start;
    if (metered_) time_.meter(std::nullopt);
  }
  const std::vector<double>& us() const { return us_; }

 private:
  TimeKeeper& time_;
  std::vector<double> us_;  // [phase]
  bool metered_;
};

// One iteration, whose phases it gives to the watch. All ranks run the same number of iterations.
using Iteration = std::function<void(PhaseWatch& watch)>;

// Runs `iteration` as the session's options say and fills iters, batch, mode, bound_us and time_us
// of one row per phase, the times on rank 0 only. Collective.
void time_phases(const Session& session, const Iteration& iteration, std::span<Row*> rows);

// The same for one phase that need not be told apart: iterations run back to back without a look at
// the clock in between, except in latency mode.
void time_iterations(const Session& session, const std::function<void()>& iteration, Row& row);

}  // namespace tutti::perf
