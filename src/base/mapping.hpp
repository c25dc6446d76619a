// Owns a range of mapped memory.
#pragma once

#include <cstddef>
#include <span>

namespace tutti {

class Mapping {
 public:
  struct Options {
    bool writable = true;
    bool reserve_only = false;  // MAP_NORESERVE: pages are accounted when they are backed, not now
    bool in_forked_children = false;  // otherwise MADV_DONTFORK: a child faults instead of sharing
    std::size_t alignment = 4096;     // of the address; a power of two
    std::size_t sparse_behind = 0;    // so many bytes as sparse() has them follow, a part of it
  };

  // Maps [offset, offset + bytes) of a file, shared. `what` names it in the tuttiSystemError.
  static Mapping shared(int fd, std::size_t offset, std::size_t bytes, const Options& options,
                        const char* what);

  // Zeroed memory of this process, of which only the pages that are touched take any.
  static Mapping sparse(std::size_t bytes, std::size_t alignment, const char* what);

  // Pieces of a file side by side: `count` of `bytes` each, in whole pages, `stride` bytes apart in
  // the file from `first` on.
  struct Pieces {
    std::size_t first = 0, stride = 0, bytes = 0, count = 0;
  };
  static Mapping gathered(int fd, const Pieces& pieces, const char* what);

  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return bytes_; }
  std::span<std::byte> bytes() const noexcept { return {data_, bytes_}; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

 private:
  Mapping(std::byte* data, std::size_t bytes) noexcept : data_(data), bytes_(bytes) {}

  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// Maps the pages of [start, start + bytes) now rather than at their first touch. False: not all of
// them can be read, or written; also on kernels before 5.14, which do not take the advice.
enum class Touch { kRead, kWrite };
bool populate(const std::byte* start, std::size_t bytes, Touch touch) noexcept;

// Gives the touched pages of sparse() memory back; they read as zeros again.
void discard(std::byte* start, std::size_t bytes) noexcept;

}  // namespace tutti
