// Element-wise reduction of many buffers into one or several: the arithmetic of every collective.
//
// Results depend on the arguments only: not on the instruction set, the machine, alignment, or how
// a buffer was cut into calls.
//   - Sources are folded from the left in the order given; nothing is contracted to a fused
//   multiply-add.
//   - Integers wrap; integer avg divides the wrapped sum and truncates towards zero.
//   - float and double are native. float16, bfloat16, float8e4m3 and float8e5m2 accumulate in float
//   and
//     are rounded to nearest even once. float8 sums saturate at the largest finite value;
//     infinities become the largest value in e4m3, which has none, and stay infinite in e5m2.
//   - A NaN in any source makes the element NaN, for every operator; it is always the type's
//   canonical
//     quiet NaN with a positive sign (0x7fc00000, 0x7ff8..., 0x7e00, 0x7fc0, 0x7f, 0x7f), because
//     sign and payload of computed NaNs differ between instruction sets.
//   - min and max are exact, order -0 below +0, and so do not depend on the order of the sources.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace tutti::kernels {

struct Reduction {
  tuttiDataType_t type;
  tuttiRedOp_t op;  // one of NCCL's five
  int divisor = 1;  // avg: what the sum is divided by, at least 1; not used by the other operators
};

// destinations[d][i] = op over s of sources[s][i], for i < count, for every d. Every element is
// loaded once from each source and stored once to each destination. At least one source; a
// destination may be exactly one of the sources (the same pointer), and must not overlap anything
// otherwise.
//
// `scales` (for sum and avg; empty otherwise): one 8-byte word per source whose low bytes hold a
// scalar of `type`. The source's elements are multiplied by it, rounded in the accumulation type,
// before summing.
void reduce(const Reduction& reduction, std::span<std::byte* const> destinations,
            std::span<const std::byte* const> sources, std::size_t count,
            std::span<const std::uint64_t> scales = {});

}  // namespace tutti::kernels
