// kernels::copy by size; rows of an MoE step (14336 bytes), each to several places, with ordinary
// and with streaming stores.
#include "buffers.hpp"
#include "kernels/copy.hpp"

namespace tutti::perf {
namespace {

constexpr std::size_t kRowBytes = 14336;

void BM_Copy(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const Buffer from = make_buffer(tuttiUint8, bytes);
  const Buffer to = make_buffer(tuttiUint8, bytes);
  for (auto _ : state) {
    kernels::copy(to.get(), from.get(), bytes);
    benchmark::ClobberMemory();
  }
  set_bytes(state, 2 * bytes);
}
BENCHMARK(BM_Copy)->Arg(64)->RangeMultiplier(4)->Range(4 << 10, 64 << 20);

// range(0): places; range(1): streaming.
void BM_CopyRowToMany(benchmark::State& state) {
  constexpr std::size_t kRows = 128;
  const auto places = static_cast<std::size_t>(state.range(0));
  const Buffer from = make_buffer(tuttiUint8, kRows * kRowBytes);
  const Buffer to = make_buffer(tuttiUint8, kRows * places * kRowBytes);
  std::vector<std::byte*> destinations(places);
  for (auto _ : state) {
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t p = 0; p < places; ++p) {
        destinations[p] = to.get() + (p * kRows + r) * kRowBytes;
      }
      kernels::copy_row_to_many(destinations, from.get() + r * kRowBytes, kRowBytes,
                                state.range(1) != 0);
    }
    benchmark::ClobberMemory();
  }
  set_bytes(state, (1 + places) * kRows * kRowBytes);
}
BENCHMARK(BM_CopyRowToMany)->ArgsProduct({{1, 2, 8}, {0, 1}});

}  // namespace
}  // namespace tutti::perf
