// The event queue alone, holding a number of events: one taken out, run, and another pushed.
#include <benchmark/benchmark.h>

#include "transports/ub/engine/digest.hpp"
#include "transports/ub/engine/event_queue.hpp"

namespace tutti::perf {
namespace {

using ub::Picoseconds;

// Delays of 1 to `range` ps after the event that runs: with few, most events have equals.
class Delays {
 public:
  explicit Delays(std::uint64_t range) : range_(range) {}
  Picoseconds next() {
    state_ += 0x9e3779b97f4a7c15u;
    return Picoseconds(1 + static_cast<std::int64_t>((ub::mix64(state_) >> 32) * range_ >> 32));
  }

 private:
  std::uint64_t range_;
  std::uint64_t state_ = 1;
};

struct Load {
  std::uint64_t bytes;
  std::uint32_t source, target;
};

// range(0): events held; range(1): range of delays.
void BM_HoldEvents(benchmark::State& state) {
  ub::EventQueue queue;
  Delays delays(static_cast<std::uint64_t>(state.range(1)));
  std::uint64_t sum = 0;
  Picoseconds now{0};
  std::uint32_t rank = 0;
  const auto push = [&] {
    rank = (rank + 1) % 384;
    const Load load{.bytes = 512, .source = rank, .target = 1};
    queue.push(now + delays.next(), rank, [load, &sum] { sum += load.bytes + load.source; });
  };
  for (std::int64_t i = 0; i < state.range(0); ++i) push();
  for (auto _ : state) {
    now = queue.first().time;
    queue.run_first();
    push();
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_HoldEvents)->ArgsProduct({{384, 4096, 32768, 262144}, {1'000'000'000, 8}});

void BM_Digest(benchmark::State& state) {
  ub::Digest digest;
  std::int64_t time = 0;
  for (auto _ : state) {
    digest.fold({.time = Picoseconds(time), .rank = 3, .kind = 1, .bytes = 512});
    time += 17;
  }
  benchmark::DoNotOptimize(digest.value());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Digest);

}  // namespace
}  // namespace tutti::perf
