// The weighted sum of a token's rows: the arithmetic of MoE combine.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <span>

namespace tutti::kernels {

// out[h] = sum over k of weights[k] * rows[k][h], then + biases[j][h], for h < hidden; `out`, rows
// and biases have `type` (float32, bfloat16 or float16). Every product is rounded to float before
// it is added; sums are float, in the order of k, biases last in the order of j; one rounding to
// nearest even at the end. The sum starts from its first addend itself, not from 0 + it, so that -0
// stays -0.
//
// Empty `weights`: rows are summed as they are (bit-equal to weights of 1). No rows: the sum of the
// biases; no biases either: +0. Any number of rows. `out` may be exactly one of the rows or biases,
// and must not overlap anything otherwise. A NaN result is the canonical quiet NaN, as in
// reduce.hpp; results are the same on every instruction set.
void weighted_sum(tuttiDataType_t type, std::byte* out, std::span<const std::byte* const> rows,
                  std::span<const float> weights, std::span<const std::byte* const> biases,
                  std::size_t hidden);

}  // namespace tutti::kernels
