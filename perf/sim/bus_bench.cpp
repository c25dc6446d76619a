// The simulated bus as a transport: an all-to-all in which every rank puts a row to every other,
// posts a line behind it, and waits for everybody's.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "bootstrap/local_group.hpp"
#include "transports/ub/bus/bus_transport.hpp"

namespace tutti::perf {
namespace {

constexpr std::size_t kRowBytes = 7168;

struct Shape {
  int ranks;
  bool digest;
  bool moves;  // otherwise lines only
};

class Exchange {
 public:
  Exchange(Bootstrap& bootstrap, const Shape& shape)
      : shape_(shape),
        rank_(bootstrap.rank()),
        bootstrap_(bootstrap),
        transport_(bootstrap),
        line_bytes_(sizeof(Line) * (2 + static_cast<std::size_t>(shape.ranks))),
        control_(transport_.open_control(
            {.bytes = line_bytes_ + kRowBytes * static_cast<std::size_t>(shape.ranks),
             .line_bytes = line_bytes_})),
        row_(kRowBytes, std::byte{1}) {}

  void run(std::uint64_t round) {
    std::memset(row_.data(), static_cast<int>(round), row_.size());
    for (int step = 1; step < shape_.ranks; ++step) {
      const Rank peer = (rank_ + step) % shape_.ranks;
      if (shape_.moves) {
        const Piece piece{.source = row_,
                          .offset = line_bytes_ + kRowBytes * static_cast<std::size_t>(rank_)};
        control_->put(peer, {&piece, 1});
      }
      control_->post(peer, 2 + static_cast<LineId>(rank_), round, {});
    }
    const auto* lines = reinterpret_cast<const Line*>(control_->local().data());
    auto& bell = *reinterpret_cast<Doorbell*>(control_->local().data());
    for (Rank peer = 0; peer < shape_.ranks; ++peer) {
      while (peer != rank_ && lines[2 + peer].value.load(std::memory_order_acquire) < round) {
        transport_.sleep(bell, bell.ring.load(std::memory_order_acquire), Nanoseconds::max());
      }
    }
    bootstrap_.all_gather({}, {});  // everybody has everything, so sources are free
  }

 private:
  Shape shape_;
  Rank rank_;
  Bootstrap& bootstrap_;
  ub::BusTransport transport_;
  std::size_t line_bytes_;
  std::unique_ptr<ControlWindow> control_;
  std::vector<std::byte> row_;
};

void run(benchmark::State& state, const Shape& shape) {
  ub::Simulation simulation({.profile = ub::load_profile("cloudmatrix384-wire"),
                             .placement = {.ranks = shape.ranks},
                             .payload_digest = shape.digest});
  LocalGroup group(shape.ranks, std::chrono::seconds(120));
  ub::Picoseconds took{};
  bool over = false;
  const auto report = simulation.run([&](int number) {
    const auto bootstrap = group.bootstrap(number);
    Exchange exchange(*bootstrap, shape);
    std::uint64_t round = 1;
    exchange.run(round);  // allocates
    // Rank 0 measures; the others go on as long as it does. What is between two rounds is in both.
    if (number == 0) {
      for (auto _ : state) {
        const ub::Picoseconds start = simulation.scheduler().now();
        bootstrap->all_gather({}, {});
        exchange.run(++round);
        took = simulation.scheduler().now() - start;
      }
      over = true;
      bootstrap->all_gather({}, {});
    } else {
      for (;;) {
        bootstrap->all_gather({}, {});
        if (over) break;
        exchange.run(++round);
      }
    }
  });
  const double rounds = static_cast<double>(state.iterations()) + 1;
  const auto per_second = [&](std::uint64_t all) {
    return benchmark::Counter(static_cast<double>(all) / rounds,
                              benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["transfers/s"] = per_second(report.transfers);
  state.counters["events/s"] = per_second(report.events);
  state.counters["virtual_us"] = static_cast<double>(took.count()) / 1e6;
}

// range(0): ranks.
void BM_AllToAllRows(benchmark::State& state) {
  run(state, {.ranks = static_cast<int>(state.range(0)), .digest = false, .moves = true});
}
BENCHMARK(BM_AllToAllRows)->Arg(64)->Arg(384)->Unit(benchmark::kMillisecond);

void BM_AllToAllRowsWithDigest(benchmark::State& state) {
  run(state, {.ranks = static_cast<int>(state.range(0)), .digest = true, .moves = true});
}
BENCHMARK(BM_AllToAllRowsWithDigest)->Arg(384)->Unit(benchmark::kMillisecond);

void BM_AllToAllLines(benchmark::State& state) {
  run(state, {.ranks = static_cast<int>(state.range(0)), .digest = false, .moves = false});
}
BENCHMARK(BM_AllToAllLines)->Arg(64)->Arg(384)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tutti::perf
