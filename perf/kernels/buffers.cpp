// Memory for the kernel benchmarks.
#include "buffers.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/data_type.hpp"
#include "kernels/convert.hpp"

namespace tutti::perf {

void FreeAligned::operator()(std::byte* memory) const { std::free(memory); }

Buffer make_buffer(tuttiDataType_t type, std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  const std::size_t size = (bytes + kPage - 1) / kPage * kPage;
  Buffer buffer(static_cast<std::byte*>(std::aligned_alloc(kPage, size)));
  if (!buffer) throw std::bad_alloc();
  std::memset(buffer.get(), 1, size);
  const std::size_t count = bytes / size_of(type);
  if (type == tuttiFloat32 || kernels::has_format(type)) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = 1.0f + static_cast<float>(i % 61) / 64;
    kernels::from_float(type, buffer.get(), values.data(), count);
  }
  return buffer;
}

std::vector<Buffer> make_buffers(std::size_t how_many, tuttiDataType_t type, std::size_t bytes) {
  std::vector<Buffer> buffers;
  for (std::size_t i = 0; i < how_many; ++i) buffers.push_back(make_buffer(type, bytes));
  return buffers;
}

}  // namespace tutti::perf
