// kernels::reduce: two sources into two destinations by size, and the types, operators and source
// counts at one size.
#include "base/data_type.hpp"
#include "buffers.hpp"
#include "kernels/reduce.hpp"

namespace tutti::perf {
namespace {

void run(benchmark::State& state, const kernels::Reduction& reduction, std::size_t sources,
         std::size_t destinations, std::size_t bytes) {
  const auto from = make_buffers(sources, reduction.type, bytes);
  const auto to = make_buffers(destinations, reduction.type, bytes);
  const auto source_pointers = pointers<const std::byte*>(from);
  const auto destination_pointers = pointers<std::byte*>(to);
  for (auto _ : state) {
    kernels::reduce(reduction, destination_pointers, source_pointers,
                    bytes / size_of(reduction.type));
    benchmark::ClobberMemory();
  }
  set_bytes(state, (sources + destinations) * bytes);
}

void BM_ReduceTwoToTwo(benchmark::State& state) {
  run(state, {tuttiFloat32, tuttiSum}, 2, 2, static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(BM_ReduceTwoToTwo)->RangeMultiplier(4)->Range(4 << 10, 4 << 20)->Arg(8);

void BM_ReduceType(benchmark::State& state) {
  const auto type = static_cast<tuttiDataType_t>(state.range(0));
  const auto op = static_cast<tuttiRedOp_t>(state.range(1));
  state.SetLabel(std::string(name_of(type)) + " " + name_of(op));
  run(state, {type, op, 2}, 2, 1, 32 << 10);
}
BENCHMARK(BM_ReduceType)
    ->ArgsProduct({benchmark::CreateDenseRange(0, tuttiNumTypes - 1, 1),
                   {tuttiSum, tuttiProd, tuttiMax, tuttiAvg}});

void BM_ReduceSources(benchmark::State& state) {
  const auto sources = static_cast<std::size_t>(state.range(0));
  run(state, {tuttiFloat32, tuttiSum}, sources, 1, 32 << 10);
}
BENCHMARK(BM_ReduceSources)->Arg(3)->Arg(4)->Arg(8)->Arg(64)->Arg(384);

}  // namespace
}  // namespace tutti::perf
