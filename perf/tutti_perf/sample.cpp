#include "perf/tutti_perf/sample.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "perf/common/statistics.hpp"
#include "perf/tutti_perf/library.hpp"

namespace tutti::perf {
namespace {

// Runs `n` iterations and returns their total time, phase by phase.
using RunBatch = std::function<Phases(std::size_t n)>;

// The shortest time of any rank and phase decides, so that all ranks run the same number.
std::size_t agree_on_batch(tuttiComm_t comm, const RunBatch& run) {
  for (std::size_t trial = 1;; trial *= 4) {
    check(tuttiBarrier(comm, nullptr), comm);
    const Phases mine = run(trial);
    const std::vector<double> all = gather(comm, mine);
    const double shortest = *std::min_element(all.begin(), all.end());
    if (shortest >= kMinimumSampleUs) return batch_for(shortest / static_cast<double>(trial));
  }
}

void fill_rows(tuttiComm_t comm, const Options& options, const RunBatch& run,
               std::span<Row*> rows) {
  run(static_cast<std::size_t>(options.warmup));
  const std::size_t batch = agree_on_batch(comm, run);
  const auto n = static_cast<std::size_t>(options.samples);
  std::vector<std::vector<double>> samples(rows.size(), std::vector<double>(n));
  check(tuttiBarrier(comm, nullptr), comm);
  for (std::size_t i = 0; i < n; ++i) {
    const Phases times = run(batch);
    for (std::size_t p = 0; p < rows.size(); ++p) {
      samples[p][i] = times[p] / static_cast<double>(batch);
    }
  }
  int ranks = 0;
  check(tuttiCommCount(comm, &ranks), comm);
  for (std::size_t p = 0; p < rows.size(); ++p) {
    rows[p]->iters = n;
    rows[p]->batch = batch;
    rows[p]->mode = options.mode();
    rows[p]->time_us = summarize(gather(comm, samples[p]), ranks);
  }
}

}  // namespace

double now_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::micro>(since).count();
}

std::vector<double> gather(tuttiComm_t comm, std::span<const double> values) {
  int ranks = 0;
  check(tuttiCommCount(comm, &ranks), comm);
  std::vector<double> all(values.size() * static_cast<std::size_t>(ranks));
  check(tuttiAllGather(values.data(), all.data(), values.size(), tuttiFloat64, comm, nullptr),
        comm);
  return all;
}

std::size_t total(tuttiComm_t comm, std::size_t value) {
  const double mine = static_cast<double>(value);
  const std::vector<double> all = gather(comm, {&mine, 1});
  return static_cast<std::size_t>(std::accumulate(all.begin(), all.end(), 0.0));
}

void time_phases(tuttiComm_t comm, const Options& options, const Iteration& iteration,
                 std::span<Row*> rows) {
  Phases once(rows.size());
  fill_rows(
      comm, options,
      [&](std::size_t n) {
        Phases sum(rows.size());
        for (std::size_t i = 0; i < n; ++i) {
          iteration(once);
          for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += once[p];
        }
        return sum;
      },
      rows);
}

void time_iterations(tuttiComm_t comm, const Options& options,
                     const std::function<void()>& iteration, Row& row) {
  Row* rows[] = {&row};
  if (options.latency) {
    const auto with_barrier = [&](Phases& phase_us) {
      check(tuttiBarrier(comm, nullptr), comm);
      const double start = now_us();
      iteration();
      phase_us[0] = now_us() - start;
    };
    time_phases(comm, options, with_barrier, rows);
    return;
  }
  fill_rows(
      comm, options,
      [&](std::size_t n) {
        const double start = now_us();
        for (std::size_t i = 0; i < n; ++i) iteration();
        return Phases{now_us() - start};
      },
      rows);
}

}  // namespace tutti::perf
