#include "transports/ub/bus/windows.hpp"

#include "base/error.hpp"
#include "memory/heap.hpp"

namespace tutti::ub {

namespace {

[[noreturn]] void fail_shared_words(const char* call) {
  fail(tuttiInternalError, "{} on transport ub, which has no Access::shared_words", call);
}

}  // namespace

std::span<std::byte> BusControl::local() noexcept {
  const ControlMemory& memory = port().roster().control();
  return {memory.segment(port().rank()), memory.bytes()};
}

std::byte* BusControl::locate(Rank peer, std::size_t offset, std::size_t bytes) const noexcept {
  const ControlMemory& memory = port().roster().control();
  const std::size_t size = memory.bytes();
  if (offset > size || bytes > size - offset) return nullptr;
  return memory.segment(peer) + offset;
}

void BusControl::post_all(LineId, std::uint64_t, const LineContent&) {
  fail_shared_words("post_all");
}

std::uint64_t BusControl::fetch_add(Rank, std::size_t, std::uint64_t) {
  fail_shared_words("fetch_add");
}

std::span<std::byte> BusHeap::local() noexcept {
  Heap& heap = Heap::of_this_process();
  return {heap.base(), heap.reserve_bytes()};
}

std::byte* BusHeap::locate(Rank, std::size_t offset, std::size_t bytes) const noexcept {
  const Heap& heap = *Heap::if_made();  // open_window() has made it
  // Acquire pairs with the release in Heap::allocate.
  const std::size_t given = HeapHeader::of(heap.base(), heap.reserve_bytes() + HeapHeader::kBytes)
                                .given.load(std::memory_order_acquire);
  if (offset <= given && bytes <= given - offset) return heap.base() + offset;
  // What the channel refers to in the hollow heap is counted from the same base.
  const Heap* const hollow = port().hollow();
  if (hollow == nullptr) return nullptr;
  auto* const place = reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(heap.base()) +
                                                   std::uintptr_t{offset});
  return hollow->contains(place, bytes) ? place : nullptr;
}

}  // namespace tutti::ub
