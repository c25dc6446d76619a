// Copies with ordinary or streaming stores.
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copy.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "kernels/copy.hpp"
#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

using DByte = hn::ScalableTag<std::uint8_t>;

// Bytes from `to` up to the next whole vector.
inline std::size_t bytes_to_alignment(const std::byte* to) {
  return (0 - reinterpret_cast<std::uintptr_t>(to)) % kBytesOf<DByte>;
}

HWY_INLINE void stream(hn::Vec<DByte> v, std::byte* to) {
  hn::Stream(v, DByte(), reinterpret_cast<std::uint8_t*>(to));
}

// The caller fences.
void stream_block_on_target(std::byte* dst, const std::byte* src, std::size_t bytes) {
  const DByte d;
  constexpr std::size_t kStep = kBytesOf<DByte>;
  const std::size_t head = std::min(bytes, bytes_to_alignment(dst));
  std::memcpy(dst, src, head);
  std::size_t at = head;
  for (; bytes - at >= 4 * kStep; at += 4 * kStep) {
    const auto a = load(d, src + at);
    const auto b = load(d, src + at + kStep);
    const auto c = load(d, src + at + 2 * kStep);
    const auto e = load(d, src + at + 3 * kStep);
    stream(a, dst + at);
    stream(b, dst + at + kStep);
    stream(c, dst + at + 2 * kStep);
    stream(e, dst + at + 3 * kStep);
  }
  std::memcpy(dst + at, src + at, bytes - at);
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {
namespace {

constexpr std::size_t kStreamingBytes = 8u << 20;

}  // namespace

HWY_EXPORT(stream_block_on_target);

void copy(std::byte* dst, const std::byte* src, std::size_t bytes) {
  if (bytes < kStreamingBytes) {
    if (bytes != 0) std::memcpy(dst, src, bytes);
    return;
  }
  HWY_DYNAMIC_DISPATCH(stream_block_on_target)(dst, src, bytes);
  hwy::FlushStream();
}

void copy_rows(std::span<const RowCopy> rows, std::size_t row_bytes, bool streaming) {
  if (row_bytes == 0) return;
  if (!streaming) {
    for (const RowCopy& row : rows) std::memcpy(row.dst, row.src, row_bytes);
    return;
  }
  for (const RowCopy& row : rows) {
    HWY_DYNAMIC_DISPATCH(stream_block_on_target)(row.dst, row.src, row_bytes);
  }
  hwy::FlushStream();
}

void copy_row_to_many(std::span<std::byte* const> dsts, const std::byte* src, std::size_t row_bytes,
                      bool streaming) {
  if (row_bytes == 0) return;
  for (std::byte* dst : dsts) {
    if (streaming) {
      HWY_DYNAMIC_DISPATCH(stream_block_on_target)(dst, src, row_bytes);
    } else {
      std::memcpy(dst, src, row_bytes);
    }
  }
  if (streaming) hwy::FlushStream();
}

}  // namespace tutti::kernels
#endif
