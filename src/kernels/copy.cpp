// Copies with ordinary or streaming stores.
//
// Measured on two Zen 4 cores (L2 1 MiB each, L3 32 MiB shared), each pulling from the other's
// memory at the same time, best of many, microseconds:
//   one block               1 MiB   4 MiB   6 MiB   8 MiB   16 MiB   32 MiB
//     memcpy                   25      92     295     892     1933    10574
//     streaming                38     150     251     325     1387     2886
//     streaming, prefetch      38     153     234     314     1420     2793   (4 KiB ahead)
//   1.8 MB of rows, each to 8 places: memcpy 1448, streaming 682, each element loaded once 617; but
//   with 3.7 MB of output memcpy 69 against 144.
// On two Zen 3 cores a staged all_to_all of 256 KiB: memcpy 150 to 190, a loop of vectors 50 to 70:
// glibc 2.36 takes rep movsb there, which some distances between the buffers slow down to a tenth
// (https://sourceware.org/bugzilla/show_bug.cgi?id=30994).
// So ordinary copies are loops (on Zen 4 as fast as memcpy, at any size), and streaming ones
// prefetch. Rejected: prefetching for ordinary stores (slower in cache, little gained beyond).
#include "kernels/copy.hpp"

#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copy.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace tutti::kernels {
namespace HWY_NAMESPACE {

using DByte = hn::ScalableTag<std::uint8_t>;
constexpr std::size_t kVectorBytes = kBytesOf<DByte>;
constexpr std::size_t kBlockBytes = 256;
constexpr std::size_t kBlockVectors = kBlockBytes / kVectorBytes;

inline bool is_aligned(const std::byte* to) {
  return reinterpret_cast<std::uintptr_t>(to) % kVectorBytes == 0;
}

HWY_INLINE void load_block(const std::byte* from, hn::Vec<DByte> (&block)[kBlockVectors]) {
#pragma GCC unroll 16
  for (std::size_t v = 0; v < kBlockVectors; ++v) {
    block[v] = load(DByte(), from + v * kVectorBytes);
  }
}

// Ordinary stores. At least a block; `dst` is aligned on the way, the last block may overlap the
// one before.
void store_on_target(std::byte* dst, const std::byte* src, std::size_t bytes) {
#if HWY_TARGET == HWY_SCALAR
  std::memcpy(dst, src, bytes);
#else
  const auto copy_block = [&](std::size_t at) {
    hn::Vec<DByte> block[kBlockVectors];
    load_block(src + at, block);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kBlockVectors; ++v) {
      store(DByte(), block[v], dst + at + v * kVectorBytes);
    }
  };
  copy_block(0);
  std::size_t at = kVectorBytes - reinterpret_cast<std::uintptr_t>(dst) % kVectorBytes;
  for (; bytes - at > kBlockBytes; at += kBlockBytes) copy_block(at);
  copy_block(bytes - kBlockBytes);
#endif
}

// `to` is aligned to a vector.
HWY_INLINE void stream_block(std::byte* to, const hn::Vec<DByte> (&block)[kBlockVectors]) {
#pragma GCC unroll 16
  for (std::size_t v = 0; v < kBlockVectors; ++v) {
    hn::Stream(block[v], DByte(), reinterpret_cast<std::uint8_t*>(to + v * kVectorBytes));
  }
}

// Into the second-level cache; never faults.
HWY_INLINE void prefetch_block(const std::byte* from) {
  for (std::size_t line = 0; line < kBlockBytes; line += 64) __builtin_prefetch(from + line, 0, 2);
}

// Copies and prefetches as many bytes at `next`. The caller fences.
void stream_on_target(std::byte* dst, const std::byte* src, std::size_t bytes,
                      [[maybe_unused]] const std::byte* next) {
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR  // which has no streaming stores
  hn::Vec<DByte> block[kBlockVectors];
  at = std::min(bytes, (0 - reinterpret_cast<std::uintptr_t>(dst)) % kVectorBytes);
  std::memcpy(dst, src, at);
  for (; bytes - at >= kBlockBytes; at += kBlockBytes) {
    prefetch_block(next + at);
    load_block(src + at, block);
    stream_block(dst + at, block);
  }
#endif
  std::memcpy(dst + at, src + at, bytes - at);
}

// One row to `places` destinations. The caller fences.
void stream_to_many_on_target(std::byte* const* dsts, std::size_t places, const std::byte* src,
                              std::size_t bytes) {
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  if (!std::all_of(dsts, dsts + places, is_aligned)) {
    for (std::size_t p = 0; p < places; ++p) stream_on_target(dsts[p], src, bytes, src);
    return;
  }
  hn::Vec<DByte> block[kBlockVectors];
  for (; bytes - at >= kBlockBytes; at += kBlockBytes) {
    load_block(src + at, block);
    for (std::size_t p = 0; p < places; ++p) stream_block(dsts[p] + at, block);
  }
#endif
  for (std::size_t p = 0; p < places; ++p) std::memcpy(dsts[p] + at, src + at, bytes - at);
}

}  // namespace HWY_NAMESPACE
}  // namespace tutti::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tutti::kernels {

HWY_EXPORT(store_on_target);
HWY_EXPORT(stream_on_target);
HWY_EXPORT(stream_to_many_on_target);

void copy(std::byte* dst, const std::byte* src, std::size_t bytes) {
  if (bytes >= kStreamingBytes) return copy_streaming(dst, src, bytes);
  copy_ordinary(dst, src, bytes);
}

void copy_ordinary(std::byte* dst, const std::byte* src, std::size_t bytes) {
  constexpr std::size_t kLeastLoop = 2048;  // smaller ones glibc copies without rep movsb
  if (bytes >= kLeastLoop) {
    HWY_DYNAMIC_DISPATCH(store_on_target)(dst, src, bytes);
  } else if (bytes != 0) {
    std::memcpy(dst, src, bytes);
  }
}

void copy_streaming(std::byte* dst, const std::byte* src, std::size_t bytes) {
  constexpr std::size_t kAhead = 4096;
  if (bytes == 0) return;
  HWY_DYNAMIC_DISPATCH(stream_on_target)(dst, src, bytes, src + std::min(bytes, kAhead));
  hwy::FlushStream();
}

void copy_row_to_many(std::span<std::byte* const> dsts, const std::byte* src, std::size_t row_bytes,
                      bool streaming) {
  if (row_bytes == 0 || dsts.empty()) return;
  if (!streaming) {
    for (std::byte* dst : dsts) copy_ordinary(dst, src, row_bytes);
    return;
  }
  HWY_DYNAMIC_DISPATCH(stream_to_many_on_target)(dsts.data(), dsts.size(), src, row_bytes);
  hwy::FlushStream();
}

}  // namespace tutti::kernels
#endif
