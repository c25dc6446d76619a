// Checks of collective arguments; each failure is a sentence that names the argument.
#pragma once

#include "api/boundary.hpp"
#include "base/data_type.hpp"

namespace tutti::api {

inline void check_type(tuttiDataType_t type) {
  if (!is_data_type(type)) [[unlikely]] {
    fail(tuttiInvalidArgument, "datatype is {}, expected 0 to {}", static_cast<int>(type),
         tuttiNumTypes - 1);
  }
}

// The bytes of `rows` times `count` elements; tuttiInvalidArgument when no buffer can be that
// large.
inline std::size_t checked_bytes(std::size_t count, tuttiDataType_t type, std::size_t rows,
                                 const char* argument) {
  constexpr std::size_t kMost = std::size_t{1} << 47;  // an address space
  const std::size_t row = size_of(type) * rows;
  if (count > kMost / row) [[unlikely]] {
    fail(tuttiInvalidArgument, "{} is {}: {} rows of as many {} elements are no buffer", argument,
         count, rows, name_of(type));
  }
  return count * row;
}

inline void check_buffer(const void* buffer, std::size_t bytes, const char* argument) {
  if (buffer == nullptr && bytes != 0) [[unlikely]] {
    fail(tuttiInvalidArgument, "{} is NULL, expected {} bytes", argument, bytes);
  }
}

// [a, a + a_bytes) and [b, b + b_bytes) may touch only when `in_place`.
inline void check_overlap(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes,
                          bool in_place) {
  const auto from_a = reinterpret_cast<std::uintptr_t>(a);
  const auto from_b = reinterpret_cast<std::uintptr_t>(b);
  if (in_place || a_bytes == 0 || b_bytes == 0) return;
  if (from_a < from_b + b_bytes && from_b < from_a + a_bytes) [[unlikely]] {
    fail(tuttiInvalidArgument,
         "sendbuff and recvbuff overlap by other than the operation's in-place form");
  }
}

inline void check_root(int root, const Communicator& communicator) {
  if (root < 0 || root >= communicator.ranks()) [[unlikely]] {
    fail(tuttiInvalidArgument, "root is {}, expected 0 to {}", root, communicator.ranks() - 1);
  }
}

// Counts and displacements of a v-call; returns the end of the last row, in elements.
inline std::size_t check_extents(const std::size_t* counts, const std::size_t* displacements,
                                 int ranks, tuttiDataType_t type, const char* what) {
  if (counts == nullptr || displacements == nullptr) {
    fail(tuttiInvalidArgument, "{}counts or {}displs is NULL", what, what);
  }
  std::size_t end = 0;
  for (int r = 0; r < ranks; ++r) {
    checked_bytes(counts[r], type, 1, "a count");
    checked_bytes(displacements[r], type, 1, "a displacement");
    if (counts[r] != 0) end = std::max(end, counts[r] + displacements[r]);
  }
  return end;
}

}  // namespace tutti::api
