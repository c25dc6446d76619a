// The fabric model alone: transfers and events a second, without fibres and without data.
#include <benchmark/benchmark.h>

#include <vector>

#include "transports/ub/engine/mix.hpp"
#include "transports/ub/model/event_heap.hpp"
#include "transports/ub/model/fabric.hpp"

namespace tutti::perf {
namespace {

using namespace ub;

constexpr int kTokens = 128;
constexpr int kLanes = 8;
constexpr std::uint64_t kTokenBytes = 7168;

class LastArrival final : public TransferSink {
 public:
  void left(std::uint64_t, Picoseconds) override {}
  void arrived(std::uint64_t, Picoseconds when) override {
    if (last_ < when) last_ = when;
    ++count_;
  }
  void lost(std::uint64_t, Picoseconds) override {}
  Picoseconds last() const { return last_; }
  std::uint64_t count() const { return count_; }

 private:
  Picoseconds last_{};
  std::uint64_t count_ = 0;
};

// A row per (token, lane) to a random rank, all ranks at time 0, as published operators send.
std::vector<Transfer> rows_of_dispatch(int ranks) {
  std::vector<Transfer> transfers;
  for (int rank = 0; rank < ranks; ++rank) {
    for (int row = 0; row < kTokens * kLanes; ++row) {
      const auto number =
          static_cast<std::uint64_t>(rank) * kTokens * kLanes + static_cast<std::uint64_t>(row);
      transfers.push_back(
          {.rank = rank,
           .peer = static_cast<int>(split_mix64(number) % static_cast<unsigned>(ranks)),
           .bytes = kTokenBytes,
           .tag = number});
    }
  }
  return transfers;
}

std::vector<Transfer> all_to_all(int ranks, std::uint64_t bytes) {
  std::vector<Transfer> transfers;
  for (int rank = 0; rank < ranks; ++rank) {
    for (int step = 1; step < ranks; ++step) {
      transfers.push_back({.rank = rank, .peer = (rank + step) % ranks, .bytes = bytes});
    }
  }
  return transfers;
}

// One fabric for all iterations, each a phase of the same run: what an engine's steps are.
void run(benchmark::State& state, const Topology& topology, const FabricOptions& options,
         const std::vector<Transfer>& transfers) {
  EventHeap queue;
  LastArrival sink;
  const auto fabric = make_fabric(topology, options, queue, sink);
  Picoseconds begin{};
  Picoseconds took{};
  const auto phase = [&] {
    for (const Transfer& transfer : transfers) fabric->start(begin, transfer);
    queue.run();
    took = sink.last() - begin;
    begin = sink.last();
  };
  phase();  // allocates
  const std::uint64_t cold_transfers = sink.count();
  const std::uint64_t cold_events = queue.fired();
  for (auto _ : state) phase();
  state.counters["transfers/s"] = benchmark::Counter(
      static_cast<double>(sink.count() - cold_transfers), benchmark::Counter::kIsRate);
  state.counters["events/s"] = benchmark::Counter(static_cast<double>(queue.fired() - cold_events),
                                                  benchmark::Counter::kIsRate);
  state.counters["virtual_us"] = static_cast<double>(took.count()) / 1e6;
}

// range(0): ranks; range(1): spraying.
void BM_DispatchByMessage(benchmark::State& state) {
  const int ranks = static_cast<int>(state.range(0));
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = ranks});
  run(state, topology, {.spraying = static_cast<Spraying>(state.range(1))},
      rows_of_dispatch(ranks));
}
BENCHMARK(BM_DispatchByMessage)
    ->Args({384, static_cast<int>(Spraying::kSummed)})
    ->Args({384, static_cast<int>(Spraying::kLeastLoaded)})
    ->Args({768, static_cast<int>(Spraying::kSummed)})
    ->Unit(benchmark::kMillisecond);

// range(0): ranks; range(1): bytes of a cell; range(2): spraying.
void BM_DispatchByCell(benchmark::State& state) {
  const int ranks = static_cast<int>(state.range(0));
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = ranks});
  run(state, topology,
      {.level = ModelLevel::kCell,
       .spraying = static_cast<Spraying>(state.range(2)),
       .cell_bytes = static_cast<std::uint32_t>(state.range(1))},
      rows_of_dispatch(ranks));
}
BENCHMARK(BM_DispatchByCell)
    ->Args({384, 4096, static_cast<int>(Spraying::kSummed)})
    ->Args({384, 4096, static_cast<int>(Spraying::kPerCell)})
    ->Args({384, 512, static_cast<int>(Spraying::kSummed)})
    ->Unit(benchmark::kMillisecond);

void BM_AllToAllByMessage(benchmark::State& state) {
  const int ranks = static_cast<int>(state.range(0));
  const Topology topology(load_profile("cloudmatrix384-wire"), {.ranks = ranks});
  run(state, topology, {}, all_to_all(ranks, 65536));
}
BENCHMARK(BM_AllToAllByMessage)->Arg(64)->Arg(384)->Unit(benchmark::kMillisecond);

void BM_DispatchByBound(benchmark::State& state) {
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = 384});
  run(state, topology, {.level = ModelLevel::kBound}, rows_of_dispatch(384));
}
BENCHMARK(BM_DispatchByBound)->Unit(benchmark::kMillisecond);

void BM_Topology(benchmark::State& state) {
  const Profile profile = load_profile("ascend950-supernode");
  for (auto _ : state) {
    const Topology topology(profile, {.ranks = 8192});
    benchmark::DoNotOptimize(topology.ranks());
  }
}
BENCHMARK(BM_Topology)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tutti::perf
