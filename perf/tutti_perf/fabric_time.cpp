#include "perf/tutti_perf/fabric_time.hpp"

#include <fmt/format.h>
#include <tutti/sim.h>

#include "perf/tutti_perf/library.hpp"
#include "transports/ub/bus/simulation.hpp"

namespace tutti::perf {

double FabricTime::now_us() {
  std::uint64_t picoseconds = 0;
  check(tuttiSimGetTime(&picoseconds), nullptr);
  return static_cast<double>(picoseconds) / 1e6;
}

// The first rank that comes says when. Nobody comes for the next time before all have left the
// barrier in between.
void FabricTime::align() {
  constexpr ub::Picoseconds kLate = std::chrono::milliseconds(1);  // more than ranks are apart
  ub::Simulation& simulation = *ub::Simulation::current();
  ub::Scheduler& scheduler = simulation.scheduler();
  if (aligned_ == 0) target_ = scheduler.now() + kLate;
  if (++aligned_ == simulation.topology().ranks()) aligned_ = 0;
  if (target_ < scheduler.now()) {
    throw Error(tuttiInvalidUsage,
                "ranks leave a barrier on this fabric more than 1 ms apart and cannot begin "
                "together; --mode throughput does not ask for it");
  }
  if (target_ > scheduler.now()) scheduler.advance(target_ - scheduler.now());
}

void FabricTime::quantise(std::size_t tokens, std::size_t bytes) {
  ub::Simulation& simulation = *ub::Simulation::current();
  simulation.work(ub::Activity::kQuantise,
                  simulation.costs().of(LocalWork::quantise({.count = tokens, .bytes = bytes})));
}

void FabricTime::meter(std::optional<std::size_t> phase) {
  ub::Simulation& simulation = *ub::Simulation::current();
  while (phase && sums_.size() <= *phase) sums_.emplace_back(simulation.topology());
  if (phase) {
    simulation.begin_mark(fmt::format("phase {}", *phase));
  } else {
    simulation.end_mark();
  }
  simulation.courier().meter(simulation.scheduler().who().rank, phase ? &sums_[*phase] : nullptr);
}

std::optional<double> FabricTime::take_bound_us(std::size_t phase, std::size_t iterations) {
  ub::PortSums& sums = sums_.at(phase);
  const double all = static_cast<double>(sums.busiest().count()) / 1e6;
  sums.clear();
  return all / static_cast<double>(iterations);
}

}  // namespace tutti::perf
