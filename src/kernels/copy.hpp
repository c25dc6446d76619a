// Copies between buffers that do not overlap: one block, many rows, one row to many places.
//
// Streaming (non-temporal) stores write around the caches: twice as fast or more where the bytes
// would not have fitted, twice as slow where they would (copy.cpp has the numbers). Each function
// that used them ends with a store fence, so that a later release store publishes the bytes like
// ordinary ones.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace tutti::kernels {

// From how many bytes on, read and written by each of two ranks that share a cache of 32 MiB,
// streaming pays. The count that matters is that of a whole operation, not of the piece a call
// copies.
inline constexpr std::size_t kStreamingBytes = 6u << 20;

// Ordinary stores below kStreamingBytes, streaming ones from there on.
void copy(std::byte* dst, const std::byte* src, std::size_t bytes);

// Streaming stores at any size, for the pieces of a large copy.
void copy_streaming(std::byte* dst, const std::byte* src, std::size_t bytes);

// For staging: memory that a peer has read and will read again, so that its cache holds the lines.
// An ordinary store waits until each is invalidated there; streaming stores do not. Measured on two
// cores without a common third-level cache, writing / reading 32 KiB: 13.5 / 2.1 us ordinary, 0.63
// / 2.6 us streaming; 2 MiB: 843 / 114 us and 44 / 93 us. Prefetching for write changed nothing.
inline constexpr std::size_t kStagingStreamBytes = 1024;
inline void copy_to_staging(std::byte* dst, const std::byte* src, std::size_t bytes) {
  if (bytes >= kStagingStreamBytes) {
    copy_streaming(dst, src, bytes);
  } else if (bytes != 0) {
    std::memcpy(dst, src, bytes);
  }
}

struct RowCopy {
  std::byte* dst;
  const std::byte* src;
};

// Copies row_bytes for each entry. `streaming`: the whole set reaches kStreamingBytes.
void copy_rows(std::span<const RowCopy> rows, std::size_t row_bytes, bool streaming);

// Reads the row once and stores it to every destination. `streaming`: all that the operation writes
// reaches kStreamingBytes; destinations aligned to 64 bytes are then fastest.
void copy_row_to_many(std::span<std::byte* const> dsts, const std::byte* src, std::size_t row_bytes,
                      bool streaming);

}  // namespace tutti::kernels
