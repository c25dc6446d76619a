#include "perf/selection/race.hpp"

#include <algorithm>
#include <tutti/error.hpp>

#include "collectives/run.hpp"
#include "transports/ub/bus/simulation.hpp"

namespace tutti::perf {

namespace {

void barrier(tuttiComm_t comm) {
  const tuttiResult_t code = tuttiBarrier(comm, nullptr);
  if (code != tuttiSuccess) throw Error(code, tuttiGetLastError(comm));
}

}  // namespace

// The first rank that comes says when all begin: later than ranks leave a barrier apart.
Race::Time Race::time(tuttiComm_t comm, const std::function<void()>& body) {
  constexpr ub::Picoseconds kLate = std::chrono::milliseconds(1);
  barrier(comm);
  ub::Simulation& simulation = *ub::Simulation::current();
  ub::Scheduler& scheduler = simulation.scheduler();
  if (begun_++ % ranks_ == 0) {
    last_ = start_ = scheduler.now() + kLate;
    sums_.emplace(simulation.topology());
  }
  if (start_ < scheduler.now()) {
    throw Error(tuttiInvalidUsage, "ranks leave a barrier on this fabric more than 1 ms apart");
  }
  scheduler.advance(start_ - scheduler.now());
  const int rank = scheduler.who().rank;
  simulation.courier().meter(rank, &*sums_);
  body();
  simulation.courier().meter(rank, nullptr);
  last_ = std::max(last_, scheduler.now());
  barrier(comm);
  const auto in_us = [](ub::Picoseconds time) { return static_cast<double>(time.count()) / 1e6; };
  return {.us = in_us(last_ - start_), .bound_us = in_us(sums_->busiest())};
}

std::vector<Entrant> Race::run(tuttiComm_t comm, const Request& request,
                               const std::function<bool(const AlgorithmChoice&)>& takes_part) {
  const Selection& selection = comm->selection();
  const AlgorithmChoice chosen = selection.choose(request);
  std::vector<Entrant> entrants;
  for (const Selection::Candidate& candidate : selection.candidates(request)) {
    if (candidate.choice != chosen && !takes_part(candidate.choice)) continue;
    const Time took = time(comm, [&] {
      const Operation operation = comm->channel().begin(shape_of(request, request.reducer.op));
      run_collective(operation, request, candidate.choice, selection);
    });
    entrants.push_back({candidate.choice, candidate.ns / 1e3, took.us, took.bound_us});
  }
  return entrants;
}

Verdict judge(const std::vector<Entrant>& entrants, const AlgorithmChoice& chosen) {
  const auto fastest =
      std::min_element(entrants.begin(), entrants.end(),
                       [](const Entrant& a, const Entrant& b) { return a.us < b.us; });
  const auto own = std::find_if(entrants.begin(), entrants.end(),
                                [&](const Entrant& entrant) { return entrant.choice == chosen; });
  return {*own, *fastest};
}

}  // namespace tutti::perf
