// Memory for the kernel benchmarks: page-aligned, touched, and filled with floats of about 1.
#pragma once

#include <benchmark/benchmark.h>
#include <tutti/tutti.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tutti::perf {

struct FreeAligned {
  void operator()(std::byte* memory) const;
};
using Buffer = std::unique_ptr<std::byte[], FreeAligned>;

// `bytes` of elements of `type` near 1, so that no sum overflows or turns into NaN.
Buffer make_buffer(tuttiDataType_t type, std::size_t bytes);

std::vector<Buffer> make_buffers(std::size_t how_many, tuttiDataType_t type, std::size_t bytes);

template <typename Pointer>
std::vector<Pointer> pointers(const std::vector<Buffer>& buffers) {
  std::vector<Pointer> result;
  for (const Buffer& buffer : buffers) result.push_back(buffer.get());
  return result;
}

// The bytes that an iteration reads and writes, for the bytes_per_second column.
inline void set_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

}  // namespace tutti::perf
