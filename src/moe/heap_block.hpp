// Memory of the shareable heap with one owner; peers read it in place.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "memory/heap.hpp"

namespace tutti::moe {

class HeapBlock {
 public:
  HeapBlock() = default;
  explicit HeapBlock(std::size_t bytes, Heap& heap = Heap::of_this_process())
      : heap_(&heap), data_(static_cast<std::byte*>(heap.allocate(bytes))), bytes_(bytes) {}
  HeapBlock(HeapBlock&& other) noexcept
      : heap_(other.heap_),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  HeapBlock& operator=(HeapBlock&& other) noexcept {
    std::swap(heap_, other.heap_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~HeapBlock() {
    if (data_ != nullptr) heap_->free(data_);
  }

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return bytes_; }
  template <typename T>
  std::span<T> as() const noexcept {
    return {reinterpret_cast<T*>(data_), bytes_ / sizeof(T)};
  }
  // At least `bytes`, with a quarter to spare when it has to grow; the contents are lost then. No
  // peer may be reading.
  void reserve(std::size_t bytes, Heap& heap = Heap::of_this_process()) {
    if (bytes > bytes_) {
      *this = HeapBlock();
      *this = HeapBlock(bytes + bytes / 4, heap);
    }
  }
  // The same, for payload.
  void reserve_payload(std::size_t bytes) { reserve(bytes, Heap::for_payload()); }

 private:
  Heap* heap_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace tutti::moe
