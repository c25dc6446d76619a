// Copies between buffers that do not overlap: one block, many rows, one row to many places.
//
// Streaming (non-temporal) stores leave the caches alone; each function here that used them has
// ended with a store fence, so that a later release store publishes the bytes like ordinary ones.
#pragma once

#include <cstddef>
#include <span>

namespace tutti::kernels {

// Chooses ordinary or streaming stores by size.
void copy(std::byte* dst, const std::byte* src, std::size_t bytes);

struct RowCopy {
  std::byte* dst;
  const std::byte* src;
};

// Copies row_bytes for each entry. `streaming` is the caller's knowledge that the whole set is
// larger than the caches and that nobody reads it soon (see kStreamingBytes).
void copy_rows(std::span<const RowCopy> rows, std::size_t row_bytes, bool streaming);

// Reads the row once and stores it to every destination.
void copy_row_to_many(std::span<std::byte* const> dsts, const std::byte* src, std::size_t row_bytes,
                      bool streaming);

}  // namespace tutti::kernels
