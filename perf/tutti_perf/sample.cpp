#include "perf/tutti_perf/sample.hpp"

#include <algorithm>
#include <cstdint>

#include "perf/common/statistics.hpp"
#include "perf/tutti_perf/library.hpp"

namespace tutti::perf {
namespace {

// Runs `n` iterations.
using RunBatch = std::function<void(PhaseWatch& watch, std::size_t n)>;

// The shortest time of any rank and phase decides, so that all ranks run the same number.
std::size_t agree_on_batch(const Session& session, const RunBatch& run, std::size_t phases) {
  const tuttiComm_t comm = session.comm;
  for (std::size_t trial = 1;; trial *= 4) {
    check(tuttiBarrier(comm, nullptr), comm);
    PhaseWatch watch(session.time, phases, false);
    run(watch, trial);
    double shortest = *std::min_element(watch.us().begin(), watch.us().end());
    check(tuttiAllReduce(&shortest, &shortest, 1, tuttiFloat64, tuttiMin, comm, nullptr), comm);
    if (shortest >= kMinimumSampleUs) return batch_for(shortest / static_cast<double>(trial));
  }
}

// Of iterations back to back in virtual time: as many as may be under way, since one of them may
// take nothing where others are behind it.
constexpr std::size_t kVirtualBatch = 16;

std::size_t choose_batch(const Session& session, const RunBatch& run, std::size_t phases) {
  if (!session.time.is_exact()) return agree_on_batch(session, run, phases);
  return session.options.latency ? 1 : kVirtualBatch;
}

// Over the times of all ranks, on rank 0; zeros elsewhere.
Statistics summarize_all(const Session& session, std::span<const double> mine_us) {
  std::vector<double> all(
      session.rank == 0 ? mine_us.size() * static_cast<std::size_t>(session.ranks) : 0);
  check(tuttiGather(mine_us.data(), all.data(), mine_us.size(), tuttiFloat64, 0, session.comm,
                    nullptr),
        session.comm);
  return session.rank == 0 ? summarize(all, session.ranks) : Statistics{};
}

void fill_rows(const Session& session, const RunBatch& run, std::span<Row*> rows) {
  PhaseWatch warm(session.time, rows.size(), false);
  run(warm, static_cast<std::size_t>(session.options.warmup));
  const std::size_t batch = choose_batch(session, run, rows.size());
  const auto n = static_cast<std::size_t>(session.options.samples);
  std::vector<std::vector<double>> samples(rows.size(), std::vector<double>(n));
  check(tuttiBarrier(session.comm, nullptr), session.comm);
  for (std::size_t i = 0; i < n; ++i) {
    PhaseWatch watch(session.time, rows.size(), true);
    run(watch, batch);
    for (std::size_t p = 0; p < rows.size(); ++p) {
      samples[p][i] = watch.us()[p] / static_cast<double>(batch);
    }
  }
  for (std::size_t p = 0; p < rows.size(); ++p) {
    rows[p]->iters = n;
    rows[p]->batch = batch;
    rows[p]->mode = session.options.mode();
    rows[p]->time_us = summarize_all(session, samples[p]);
    // Rank 0 has heard from all: none of them meters any more.
    if (session.rank == 0) rows[p]->bound_us = session.time.take_bound_us(p, n * batch);
  }
}

}  // namespace

void Session::begin_together() const {
  if (!options.latency) return;
  check(tuttiBarrier(comm, nullptr), comm);
  time.align();
}

std::size_t total(tuttiComm_t comm, std::size_t value) {
  auto sum = static_cast<std::uint64_t>(value);
  check(tuttiAllReduce(&sum, &sum, 1, tuttiUint64, tuttiSum, comm, nullptr), comm);
  return static_cast<std::size_t>(sum);
}

void time_phases(const Session& session, const Iteration& iteration, std::span<Row*> rows) {
  fill_rows(
      session,
      [&](PhaseWatch& watch, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) iteration(watch);
      },
      rows);
}

void time_iterations(const Session& session, const std::function<void()>& iteration, Row& row) {
  Row* rows[] = {&row};
  if (session.options.latency) {
    const auto with_barrier = [&](PhaseWatch& watch) {
      session.begin_together();
      watch.time(0, iteration);
    };
    time_phases(session, with_barrier, rows);
    return;
  }
  fill_rows(
      session,
      [&](PhaseWatch& watch, std::size_t n) {
        watch.time(0, [&] {
          for (std::size_t i = 0; i < n; ++i) iteration();
        });
      },
      rows);
}

}  // namespace tutti::perf
