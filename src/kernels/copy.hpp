// Copies between buffers that do not overlap: one block, one row to many places.
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

// Ordinary stores at any size.
void copy_ordinary(std::byte* dst, const std::byte* src, std::size_t bytes);

// Streaming stores at any size, for the pieces of a large copy.
void copy_streaming(std::byte* dst, const std::byte* src, std::size_t bytes);

// Reads the row once and stores it to every destination. `streaming`: all that the operation writes
// reaches kStreamingBytes; destinations aligned to 64 bytes are then fastest.
void copy_row_to_many(std::span<std::byte* const> dsts, const std::byte* src, std::size_t row_bytes,
                      bool streaming);

}  // namespace tutti::kernels
