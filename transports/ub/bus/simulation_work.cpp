// Simulation: the time that ranks spend on their own work.
#include <fmt/ranges.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "transports/ub/bus/simulation.hpp"

namespace tutti::ub {

namespace {

// What this thread has run. The only clock of the machine that a simulation reads, and only where
// it is asked to.
std::chrono::nanoseconds thread_time() {
  timespec time{};
  if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) fail_system("no clock of this thread");
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Picoseconds Simulation::paced(Picoseconds begin, Picoseconds time) {
  if (time <= Picoseconds::zero()) return {};
  return pace_.next(scheduler().who().rank, time, begin);
}

void Simulation::work(Activity what, Picoseconds time, Picoseconds least) {
  const Picoseconds begin = scheduler().now();
  const Picoseconds taken = std::max(least, paced(begin, time));
  if (taken > Picoseconds::zero()) scheduler().advance(taken);
  if (record_ != nullptr) [[unlikely]] {
    note_work(what, begin, scheduler().now());
  }
  courier_->check_alive(scheduler().who().rank);
}

Picoseconds Simulation::work_ahead(Picoseconds begin, Activity what, Picoseconds time) {
  const Picoseconds end = begin + paced(begin, time);
  if (record_ != nullptr) [[unlikely]] {
    note_work(what, begin, end);
  }
  return end;
}

void Simulation::note_work(Activity what, Picoseconds begin, Picoseconds end) {
  record_->worked(scheduler().current(), what, begin, end);
  if (!record_->full() || scheduler().ending()) return;
  fail(tuttiSystemError,
       "the record of this run needs more than {} bytes, which it has reached at {} ps with {} "
       "transfers",
       record_->most_bytes(), begin.count(), record_->transfers().size());
}

void Simulation::begin_mark(std::string name) {
  if (record_ == nullptr) return;
  record_->begin_mark(scheduler().current(), std::move(name), scheduler().now());
}

void Simulation::end_mark() {
  if (record_ != nullptr) record_->end_mark(scheduler().current(), scheduler().now());
}

void Simulation::Host::call_begins(const CallFacts& facts) {
  Scheduler& its = simulation.scheduler();
  simulation.record_->begin_call(its.current(), facts, its.now());
}

void Simulation::Host::call_ends() noexcept {
  Scheduler& its = simulation.scheduler();
  simulation.record_->end_call(its.current(), its.now());
}

void Simulation::Host::experts_received(std::span<const int> experts,
                                        std::span<const std::int64_t> rows) {
  simulation.record_->note_experts(simulation.scheduler().current(), experts, rows);
}

void Simulation::compute(Picoseconds time) {
  if (time < Picoseconds::zero() || time > Picoseconds(kLongestTime)) {
    fail(tuttiInvalidArgument, "a computation of {} ps, expected 0 to {}", time.count(),
         kLongestTime);
  }
  work(Activity::kCompute, time);
}

void Simulation::compute(std::string_view kernel, std::span<const std::int64_t> shape) {
  const std::vector<KernelTable>& tables = topology_.profile().kernels;
  const auto table = std::ranges::find(tables, kernel, &KernelTable::kernel);
  if (table == tables.end()) {
    std::vector<std::string_view> names;
    names.reserve(tables.size());
    for (const KernelTable& other : tables) names.push_back(other.kernel);
    fail(tuttiInvalidArgument, "profile '{}' has no kernel '{}', but [{}]",
         topology_.profile().name, kernel, fmt::join(names, ", "));
  }
  work(Activity::kCompute, table->time(shape));
}

void Simulation::compute_measured(const std::function<void()>& body, int percent) {
  constexpr int kMostPercent = 1'000'000;
  if (percent < 1 || percent > kMostPercent) {
    fail(tuttiInvalidArgument, "{} percent of a time, expected 1 to {}", percent, kMostPercent);
  }
  measured_ = true;
  const Picoseconds now = scheduler().now();
  const std::chrono::nanoseconds start = thread_time();
  body();
  const Picoseconds taken = thread_time() - start;
  if (scheduler().now() != now) {
    fail(tuttiInvalidUsage,
         "{} communicated or waited in a measured computation: others ran on its thread meanwhile",
         to_string(scheduler().who()));
  }
  work(Activity::kCompute,
       Picoseconds(std::min(taken.count(), kLongestTime / percent) * percent / 100));
}

}  // namespace tutti::ub
