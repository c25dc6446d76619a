#include "rank_memory.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "memory/heap.hpp"

namespace tutti::launcher {

namespace {

constexpr std::size_t kPiecesPerCall = 512;  // the kernel takes 1024

iovec piece(std::uint64_t address, std::size_t bytes) noexcept {
  return {reinterpret_cast<void*>(address), bytes};
}

std::size_t bytes_of(std::span<const iovec> pieces) noexcept {
  std::size_t bytes = 0;
  for (const iovec& each : pieces) bytes += each.iov_len;
  return bytes;
}

[[noreturn]] void fail_copy(const char* what, std::size_t bytes, int pid, ssize_t copied) {
  if (copied >= 0) errno = EFAULT;  // only a part is there
  fail_system("{} {} bytes of the memory of process {}", what, bytes, pid);
}

}  // namespace

std::byte* RankMemory::heap(std::size_t offset, std::size_t bytes) const noexcept {
  // Acquire pairs with the release in Heap::allocate.
  const std::size_t given =
      HeapHeader::of(heap_, heap_bytes_ + HeapHeader::kBytes).given.load(std::memory_order_acquire);
  if (offset <= given && bytes <= given - offset) return heap_ + offset;
  if (offset < hollow_offset_) return nullptr;
  const std::size_t within = offset - hollow_offset_;
  if (within > hollow_.size() || bytes > hollow_.size() - within) return nullptr;
  return hollow_.data() + within;
}

std::byte* RankMemory::here(Address address, std::size_t bytes) const noexcept {
  if (heap_address_ == 0 || address < heap_address_) return nullptr;
  return heap(address - heap_address_, bytes);
}

void RankMemory::read(Address from, std::span<std::byte> to) const {
  const iovec there = piece(from, to.size());
  if (!to.empty()) gather({&there, 1}, to.data());
}

void RankMemory::write(Address to, std::span<const std::byte> from) const {
  if (from.empty()) return;
  const iovec here{const_cast<std::byte*>(from.data()), from.size()};
  const iovec there = piece(to, from.size());
  scatter({&here, 1}, {&there, 1});
}

void RankMemory::gather(std::span<const iovec> from, std::byte* to) const {
  while (!from.empty()) {
    const auto some = from.first(std::min(from.size(), kPiecesPerCall));
    const std::size_t bytes = bytes_of(some);
    const iovec here{to, bytes};
    const ssize_t copied = ::process_vm_readv(pid_, &here, 1, some.data(), some.size(), 0);
    if (copied != static_cast<ssize_t>(bytes)) fail_copy("reading", bytes, pid_, copied);
    to += bytes;
    from = from.subspan(some.size());
  }
}

void RankMemory::scatter(std::span<const iovec> from, std::span<const iovec> to) const {
  while (!from.empty()) {
    const std::size_t count = std::min(from.size(), kPiecesPerCall);
    const std::size_t bytes = bytes_of(from.first(count));
    const ssize_t copied = ::process_vm_writev(pid_, from.data(), count, to.data(), count, 0);
    if (copied != static_cast<ssize_t>(bytes)) fail_copy("writing", bytes, pid_, copied);
    from = from.subspan(count);
    to = to.subspan(count);
  }
}

}  // namespace tutti::launcher
