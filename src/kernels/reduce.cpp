// Sends a reduction to the file that has its loop.
#include "kernels/reduce.hpp"

#include "base/data_type.hpp"
#include "kernels/reduce_families.hpp"

namespace tutti::kernels {

void reduce(const Reduction& reduction, std::span<std::byte* const> destinations,
            std::span<const std::byte* const> sources, std::size_t count,
            std::span<const std::uint64_t> scales) {
  if (count == 0 || destinations.empty() || sources.empty()) return;
  const ReduceCall call{
      .sources = sources.data(),
      .source_count = sources.size(),
      .destinations = destinations.data(),
      .destination_count = destinations.size(),
      .bytes = count * size_of(reduction.type),
      .scales = scales.empty() ? nullptr : scales.data(),
      .type = reduction.type,
      .op = reduction.op,
      .divisor = reduction.op == tuttiAvg ? reduction.divisor : 1,
  };
  if (reduction.op == tuttiMax || reduction.op == tuttiMin) return reduce_extrema(call);
  switch (reduction.type) {
    case tuttiFloat32:
    case tuttiFloat64:
      return reduce_floats(call);
    case tuttiFloat16:
    case tuttiBfloat16:
      return reduce_halves(call);
    case tuttiFloat8e4m3:
    case tuttiFloat8e5m2:
      return reduce_fp8(call);
    default:
      return reduce_integers(call);
  }
}

}  // namespace tutti::kernels
