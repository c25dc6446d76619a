// kernels::weighted_sum: the combine of 128 tokens of 7168 elements, from 1, 2 and 8 rows each.
#include "base/data_type.hpp"
#include "buffers.hpp"
#include "kernels/combine.hpp"

namespace tutti::perf {
namespace {

// range(0): type; range(1): rows of a token; range(2): weighted.
void BM_WeightedSum(benchmark::State& state) {
  constexpr std::size_t kTokens = 128;
  constexpr std::size_t kHidden = 7168;
  const auto type = static_cast<tuttiDataType_t>(state.range(0));
  const auto rows = static_cast<std::size_t>(state.range(1));
  const std::size_t row_bytes = kHidden * size_of(type);
  const Buffer from = make_buffer(type, kTokens * rows * row_bytes);
  const Buffer out = make_buffer(type, kTokens * row_bytes);
  const std::vector<float> weights(state.range(2) != 0 ? rows : 0, 0.125f);
  std::vector<const std::byte*> row_pointers(rows);
  for (auto _ : state) {
    for (std::size_t t = 0; t < kTokens; ++t) {
      for (std::size_t k = 0; k < rows; ++k) {
        row_pointers[k] = from.get() + (k * kTokens + t) * row_bytes;
      }
      kernels::weighted_sum(type, out.get() + t * row_bytes, row_pointers, weights, {}, kHidden);
    }
    benchmark::ClobberMemory();
  }
  set_bytes(state, (1 + rows) * kTokens * row_bytes);
  state.SetLabel(name_of(type));
}
BENCHMARK(BM_WeightedSum)
    ->ArgsProduct({{tuttiBfloat16, tuttiFloat16, tuttiFloat32}, {1, 2, 8}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tutti::perf
