// The files that reduce() is made of: one per family of types, so that each compiles in seconds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/reduce.hpp"

namespace tutti::kernels {

struct ReduceCall {
  const std::byte* const* sources;
  std::size_t source_count;
  std::byte* const* destinations;
  std::size_t destination_count;
  std::size_t bytes;            // of one buffer
  const std::uint64_t* scales;  // one per source, or null
  tuttiDataType_t type;
  tuttiRedOp_t op;
  int divisor;
};

void reduce_extrema(const ReduceCall& call);   // min and max of every type
void reduce_integers(const ReduceCall& call);  // sum, prod, avg from here on
void reduce_floats(const ReduceCall& call);    // float32, float64
void reduce_halves(const ReduceCall& call);    // float16, bfloat16
void reduce_fp8(const ReduceCall& call);

}  // namespace tutti::kernels
