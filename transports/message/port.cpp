#include "transports/message/port.hpp"

#include <cstring>

#include "base/mapping.hpp"
#include "memory/heap.hpp"

namespace tutti::message {

namespace {

const HeapHeader& heap_header() noexcept {
  const Heap& heap = Heap::of_this_process();
  return HeapHeader::of(heap.base(), heap.reserve_bytes() + HeapHeader::kBytes);
}

constexpr std::size_t kPage = 4096;

bool lies_in(std::uint64_t size, std::uint64_t offset, std::uint64_t bytes) noexcept {
  return offset <= size && bytes <= size - offset;
}

}  // namespace

// Acquire pairs with the release in Heap::allocate.
std::uint64_t heap_given() noexcept { return heap_header().given.load(std::memory_order_acquire); }

void Port::make_control(const ControlSegment& segment, std::shared_ptr<std::byte> memory) {
  is_shared_ = memory != nullptr;
  control_ = std::move(memory);
  if (!is_shared_) {
    const auto own =
        std::make_shared<Mapping>(Mapping::sparse(segment.bytes, kPage, "a control segment"));
    control_ = std::shared_ptr<std::byte>(own, own->data());
  }
  control_bytes_ = segment.bytes;
  line_bytes_ = segment.line_bytes;
}

std::byte* Port::writable(WindowId window, std::uint64_t offset,
                          std::uint64_t bytes) const noexcept {
  switch (window) {
    case WindowId::kControl:
      return lies_in(control_bytes_, offset, bytes) ? control_.get() + offset : nullptr;
    case WindowId::kHeap:
      return lies_in(heap_given(), offset, bytes) ? Heap::of_this_process().base() + offset
                                                  : nullptr;
    case WindowId::kProcess:
      return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(offset));
    case WindowId::kHeapHeader:
      break;
  }
  return nullptr;
}

const std::byte* Port::readable(WindowId window, std::uint64_t offset,
                                std::uint64_t bytes) const noexcept {
  switch (window) {
    case WindowId::kControl:
    case WindowId::kHeap:
    case WindowId::kProcess:
      return writable(window, offset, bytes);
    case WindowId::kHeapHeader:
      if (!lies_in(sizeof(std::uint64_t), offset, bytes)) break;
      return reinterpret_cast<const std::byte*>(&heap_header().given) + offset;
  }
  return nullptr;
}

bool Port::post(LineId line, std::uint64_t value, const LineContent& content) noexcept {
  if (line >= line_bytes_ / sizeof(Line)) return false;
  Line& there = reinterpret_cast<Line*>(control_.get())[line];
  std::memcpy(there.payload, content.payload, sizeof(there.payload));
  // Atomic for who looks at the line of an operation that is over (Channel::check_entries).
  std::atomic_ref(there.stamp).store(content.stamp, std::memory_order_relaxed);
  // Release pairs with the acquire load of whoever waits for this line; seq_cst, before the load of
  // sleepers in ring().
  there.value.store(value, std::memory_order_seq_cst);
  ring();
  return true;
}

}  // namespace tutti::message
