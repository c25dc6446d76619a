#include "perf/tutti_perf/sample.hpp"

#include <algorithm>
#include <cstdint>

#include "perf/common/statistics.hpp"
#include "perf/common/stopwatch.hpp"
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
    double shortest = *std::min_element(mine.begin(), mine.end());
    check(tuttiAllReduce(&shortest, &shortest, 1, tuttiFloat64, tuttiMin, comm, nullptr), comm);
    if (shortest >= kMinimumSampleUs) return batch_for(shortest / static_cast<double>(trial));
  }
}

// Over the times of all ranks, on rank 0; zeros elsewhere.
Statistics summarize_all(tuttiComm_t comm, std::span<const double> mine_us) {
  int rank = 0, ranks = 0;
  check(tuttiCommUserRank(comm, &rank), comm);
  check(tuttiCommCount(comm, &ranks), comm);
  std::vector<double> all(rank == 0 ? mine_us.size() * static_cast<std::size_t>(ranks) : 0);
  check(tuttiGather(mine_us.data(), all.data(), mine_us.size(), tuttiFloat64, 0, comm, nullptr),
        comm);
  return rank == 0 ? summarize(all, ranks) : Statistics{};
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
  for (std::size_t p = 0; p < rows.size(); ++p) {
    rows[p]->iters = n;
    rows[p]->batch = batch;
    rows[p]->mode = options.mode();
    rows[p]->time_us = summarize_all(comm, samples[p]);
  }
}

}  // namespace

std::size_t total(tuttiComm_t comm, std::size_t value) {
  auto sum = static_cast<std::uint64_t>(value);
  check(tuttiAllReduce(&sum, &sum, 1, tuttiUint64, tuttiSum, comm, nullptr), comm);
  return static_cast<std::size_t>(sum);
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
