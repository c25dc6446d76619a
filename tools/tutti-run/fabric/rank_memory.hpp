// The memory of a process that is a simulated rank, as the simulation reaches it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tutti::launcher {

// Its heap is mapped here; everything else the kernel copies.
class RankMemory {
 public:
  using Address = std::uint64_t;

  void attach(int pid) noexcept { pid_ = pid; }
  // Of what is mapped here as long as this lives: `bytes`, and its header behind them.
  void place_heap(std::byte* base, std::size_t bytes) noexcept {
    heap_ = base;
    heap_bytes_ = bytes;
  }
  // Hollow memory (Heap::hollow) of the simulation, which the rank's is, from this offset of its
  // heap on.
  void place_hollow(std::size_t offset, std::span<std::byte> memory) noexcept {
    hollow_offset_ = offset;
    hollow_ = memory;
  }
  // Where the process has it.
  void open_heap(Address address) noexcept { heap_address_ = address; }

  // Bytes of the heap here; nullptr beyond what it ever gave out and what is hollow.
  std::byte* heap(std::size_t offset, std::size_t bytes) const noexcept;
  // What the process has at `address`, here; nullptr where it is not in its heap.
  std::byte* here(Address address, std::size_t bytes) const noexcept;

  // Copies; tuttiSystemError when the process has ended or has no such memory.
  void read(Address from, std::span<std::byte> to) const;
  void write(Address to, std::span<const std::byte> from) const;
  // Pieces of it, one behind the other into `to`.
  void gather(std::span<const iovec> from, std::byte* to) const;
  // Pieces of ours to as long ones of it.
  void scatter(std::span<const iovec> from, std::span<const iovec> to) const;

 private:
  int pid_ = 0;
  std::byte* heap_ = nullptr;
  std::size_t heap_bytes_ = 0;
  std::size_t hollow_offset_ = 0;
  std::span<std::byte> hollow_;
  Address heap_address_ = 0;  // 0: not opened
};

}  // namespace tutti::launcher
