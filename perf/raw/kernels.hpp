// The inner loops at the widest vectors of this CPU: what memory and cores can do, nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tutti::raw {

// Any sizes; buffers do not overlap.
void copy_bytes(void* to, const void* from, std::size_t bytes);
// As copy_bytes, with stores that bypass the caches.
void copy_bytes_streamed(void* to, const void* from, std::size_t bytes);
// to[i] = a[i] + b[i]
void add_f32(float* to, const float* a, const float* b, std::size_t count);
// to[i] = other[i] = a[i] + b[i]
void add_f32_twice(float* to, float* other, const float* a, const float* b, std::size_t count);
// to[i] = a[i] + b[i] of bfloat16, added in float, rounded to nearest even.
void add_bf16(std::uint16_t* to, const std::uint16_t* a, const std::uint16_t* b, std::size_t count);
// to[i] = sum over k of weights[k] * rows[k][i]: products rounded, added in order in float, one
// final rounding to nearest even.
void weigh8_bf16(std::uint16_t* to, const std::uint16_t* const (&rows)[8],
                 const float (&weights)[8], std::size_t count);

// The instruction set that these loops run on here.
const char* kernel_target();

}  // namespace tutti::raw
