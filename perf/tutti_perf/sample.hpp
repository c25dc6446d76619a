// Timing: a sample is a batch of iterations of at least 20 us, divided by its length; a row's times
// are, sample by sample, the maximum over ranks.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "perf/common/report.hpp"
#include "perf/tutti_perf/options.hpp"

namespace tutti::perf {

// The sum of `value` over all ranks. Collective.
std::size_t total(tuttiComm_t comm, std::size_t value);

// One iteration; returns the time of each phase in us. All ranks run the same number of iterations.
using Phases = std::vector<double>;
using Iteration = std::function<void(Phases& phase_us)>;

// Runs `iteration` as `options` say and fills iters, batch, mode and time_us of one row per phase,
// the times on rank 0 only. Collective.
void time_phases(tuttiComm_t comm, const Options& options, const Iteration& iteration,
                 std::span<Row*> rows);

// The same for one phase that need not be told apart: iterations run back to back without a look at
// the clock in between, except in latency mode.
void time_iterations(tuttiComm_t comm, const Options& options,
                     const std::function<void()>& iteration, Row& row);

}  // namespace tutti::perf
