// What a fibre pays: for a switch, for an advance, for waiting, for being made.
#include <benchmark/benchmark.h>

#include <exception>
#include <memory>

#include "transports/ub/engine/scheduler.hpp"

namespace tutti::perf {
namespace {

using ub::Picoseconds;
using ub::Scheduler;

class Owner final : public ub::SchedulerOwner {
 public:
  void fibre_failed(ub::FibreId, const ub::Entity&, std::exception_ptr) override {
    std::terminate();
  }
  void deadlocked(std::span<const ub::ParkedFibre>) override { std::terminate(); }
};

class Nothing final : public ub::ParkSubject {
 public:
  std::string describe() const override { return "nothing"; }
};

// A simulation of `ranks` fibres of which rank 0 measures: it runs body(scheduler) once an
// iteration until the benchmark ends, the others other(scheduler) all the time.
template <typename Body, typename Other>
void measure(benchmark::State& state, int ranks, const Body& body, const Other& other) {
  Owner owner;
  Scheduler scheduler({}, owner);
  struct {
    bool over = false;
  } shared;
  scheduler.spawn({.rank = 0}, Picoseconds(0), [&] {
    for (auto _ : state) body(scheduler);
    shared.over = true;
  });
  for (int rank = 1; rank < ranks; ++rank) {
    scheduler.spawn({.rank = rank}, Picoseconds(0), [&] {
      while (!shared.over) other(scheduler);
    });
  }
  scheduler.run();
}

// Bare: two contexts, nothing else.
void BM_Jump(benchmark::State& state) {
  ub::StackPool pool(64 << 10);
  struct Pair {
    ub::MachineContext outside, inside;
    ThreadContext context;
  } pair;
  pair.outside.adopt_thread();
  pair.inside.prepare({.stack = pool.acquire(),
                       .state = &pair.context,
                       .entry =
                           [](void* argument) noexcept {
                             Pair& both = *static_cast<Pair*>(argument);
                             for (;;) ub::MachineContext::jump(both.inside, both.outside);
                           },
                       .argument = &pair});
  for (auto _ : state) ub::MachineContext::jump(pair.outside, pair.inside);
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(BM_Jump);

void BM_AdvanceAlone(benchmark::State& state) {
  measure(
      state, 1, [](Scheduler& s) { s.advance(Picoseconds(1)); }, [](Scheduler&) {});
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_AdvanceAlone);

// All ranks advance in turn: each advance is a switch. range(0): ranks.
void BM_AdvanceInTurn(benchmark::State& state) {
  const auto step = [](Scheduler& s) { s.advance(Picoseconds(1)); };
  measure(state, static_cast<int>(state.range(0)), step, step);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_AdvanceInTurn)->Arg(2)->Arg(384)->Arg(768)->Arg(4096);

// An event comes before each advance ends.
void BM_AdvancePastAnEvent(benchmark::State& state) {
  measure(
      state, 1,
      [](Scheduler& s) {
        s.at(s.now() + Picoseconds(1), {.rank = 0}, [] {});
        s.advance(Picoseconds(2));
      },
      [](Scheduler&) {});
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_AdvancePastAnEvent);

// Every rank waits for what arrives in 1 us, with a deadline: an event, a wake, two switches.
void BM_WaitForArrival(benchmark::State& state) {
  const auto wait = [](Scheduler& s) {
    const ub::FibreId self = s.current();
    s.at(s.now() + Picoseconds(1'000'000), s.who(), [&s, self] { s.wake(self, s.now()); });
    s.park_until(s.now() + Picoseconds(1'000'000'000'000), Nothing());
    s.advance(Picoseconds(1000));
  };
  measure(state, static_cast<int>(state.range(0)), wait, wait);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_WaitForArrival)->Arg(1)->Arg(384)->Arg(768);

void BM_SpawnAndJoin(benchmark::State& state) {
  measure(
      state, 1, [](Scheduler& s) { s.join(s.spawn({.rank = 0, .stream = 1}, s.now(), [] {})); },
      [](Scheduler&) {});
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SpawnAndJoin);

}  // namespace
}  // namespace tutti::perf
