#include "base/mapping.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "base/error.hpp"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace tutti {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t in_whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

// An unused, aligned range of the address space; mmap aligns to a page only, so take more and trim.
std::byte* reserve_aligned(std::size_t bytes, std::size_t alignment) {
  const std::size_t slack = alignment > kPage ? alignment : 0;
  void* raw =
      mmap(nullptr, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  auto* start = static_cast<std::byte*>(raw);
  const std::size_t head =
      (alignment - reinterpret_cast<std::uintptr_t>(start) % alignment) % alignment;
  if (head > 0) munmap(start, head);
  if (slack > head) munmap(start + head + bytes, slack - head);
  return start + head;
}

// Of what is reserved.
void make_sparse(std::byte* place, std::size_t bytes, const char* what) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  if (mmap(place, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
    fail_system("mmap of {} bytes for {}", bytes, what);
  // With huge pages a touch would cost two megabytes. Advice: kernels without them need none.
  static_cast<void>(madvise(place, bytes, MADV_NOHUGEPAGE));
}

}  // namespace

Mapping Mapping::shared(int fd, std::size_t offset, std::size_t bytes, const Options& options,
                        const char* what) {
  const std::size_t of_file = in_whole_pages(bytes);
  const std::size_t whole = of_file + in_whole_pages(options.sparse_behind);
  std::byte* place = reserve_aligned(whole, options.alignment);
  if (place == nullptr) fail_system("no {} bytes of address space for {}", whole, what);
  const int access = PROT_READ | (options.writable ? PROT_WRITE : 0);
  const int flags = MAP_SHARED | MAP_FIXED | (options.reserve_only ? MAP_NORESERVE : 0);
  if (mmap(place, of_file, access, flags, fd, static_cast<off_t>(offset)) == MAP_FAILED) {
    const int cause = errno;
    munmap(place, whole);
    errno = cause;
    fail_system("mmap of {} bytes for {}", of_file, what);
  }
  Mapping made(place, whole);
  if (options.sparse_behind > 0) make_sparse(place + of_file, whole - of_file, what);
  if (!options.in_forked_children && madvise(place, whole, MADV_DONTFORK) != 0)
    fail_system("madvise(MADV_DONTFORK) of {} bytes for {}", whole, what);
  return made;
}

Mapping Mapping::sparse(std::size_t bytes, std::size_t alignment, const char* what) {
  const std::size_t whole = in_whole_pages(bytes);
  std::byte* place = reserve_aligned(whole, alignment);
  if (place == nullptr) fail_system("no {} bytes of address space for {}", whole, what);
  Mapping made(place, whole);
  make_sparse(place, whole, what);
  return made;
}

Mapping Mapping::gathered(int fd, const Pieces& pieces, const char* what) {
  const std::size_t whole = pieces.bytes * pieces.count;
  std::byte* place = reserve_aligned(whole, kPage);
  if (place == nullptr) fail_system("no {} bytes of address space for {}", whole, what);
  Mapping made(place, whole);
  for (std::size_t i = 0; i < pieces.count; ++i) {
    const auto offset = static_cast<off_t>(pieces.first + i * pieces.stride);
    if (mmap(place + i * pieces.bytes, pieces.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             fd, offset) == MAP_FAILED) {
      fail_system("mmap of {} bytes at {} for {}", pieces.bytes, offset, what);
    }
  }
  if (madvise(place, whole, MADV_DONTFORK) != 0) {
    fail_system("madvise(MADV_DONTFORK) of {} bytes for {}", whole, what);
  }
  return made;
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

bool populate(const std::byte* start, std::size_t bytes, Touch touch) noexcept {
  const auto first = reinterpret_cast<std::uintptr_t>(start) & ~std::uintptr_t{kPage - 1};
  const std::size_t length = reinterpret_cast<std::uintptr_t>(start) + bytes - first;
  return madvise(reinterpret_cast<void*>(first), length,
                 touch == Touch::kRead ? MADV_POPULATE_READ : MADV_POPULATE_WRITE) == 0;
}

void discard(std::byte* start, std::size_t bytes) noexcept {
  static_cast<void>(madvise(start, bytes, MADV_DONTNEED));  // fails for what is not mapped only
}

}  // namespace tutti
