// The process's shareable heap: where tuttiMemAlloc's memory comes from. One memfd, reserved large
// and sparse, that peers on this host map whole, so that an offset in it means the same byte
// everywhere.
//
// A simulation for timing only has a hollow heap beside it, for payload: addresses without
// contents. Nothing of it takes memory until somebody touches it, and the library does not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mapping.hpp"
#include "base/process.hpp"
#include "memory/free_ranges.hpp"
#include "memory/shared_file.hpp"

namespace tutti {

class HeapPin;

// Who knows something of the heap's memory that is no longer so when it has been freed: where it is
// registered with a network, say.
class HeapWatcher {
 public:
  // An allocation is about to be given back. Under the heap's lock: it must not call the heap.
  virtual void on_free(std::span<const std::byte> memory) noexcept = 0;

 protected:
  ~HeapWatcher() = default;
};

// Where a heap lies that is not a file of its own: a part of one that peers have mapped whole. Its
// header follows the reserve.
struct HeapPlace {
  Descriptor file;
  std::size_t offset = 0;     // in the file
  std::byte* base = nullptr;  // mapped for ever
  std::size_t reserve = 0;    // bytes
};

// The page behind the reserve, which peers read: offsets from `given` on were never given out, and
// nothing backs them.
struct HeapHeader {
  static constexpr std::size_t kBytes = 4096;
  std::atomic<std::uint64_t> given;

  // Of a heap whose file, header included, is mapped at `base`.
  static const HeapHeader& of(const std::byte* base, std::size_t file_bytes) noexcept {
    return *reinterpret_cast<const HeapHeader*>(base + file_bytes - kBytes);
  }
};

// Made at first use; lives until the process ends, because its users' pointers live in it. Any
// thread may call anything. A forked child does not have its parent's heap: the calls below are
// tuttiInvalidUsage there.
class Heap {
 public:
  // A part of the heap that was given out and not freed.
  struct Allocation {
    std::size_t offset;  // from the heap's start
    std::size_t bytes;   // as asked for
  };

  static Heap& of_this_process();
  // Where payload of the calling thread or fibre is allocated: the hollow one of its simulation, or
  // the process's.
  static Heap& for_payload();
  // The hollow one; nullptr: there is none.
  static Heap* hollow() noexcept;
  // The one of both in which `pointer` lies; the process's for pointers elsewhere.
  static Heap& around(const void* pointer);
  // nullptr when nothing has made it yet, or in a forked child; no lock, no system call.
  static Heap* if_made() noexcept;

  // Of a process that gets its heap from elsewhere: asked once, when the heap is first used. Before
  // that, by who decides what the process is.
  static void come_from(HeapPlace (*source)()) noexcept;
  // What a process's heap reserves where nothing limits it.
  static std::size_t usual_reserve() noexcept;

  explicit Heap(std::size_t reserve_bytes);  // for tests; others use the process's
  struct Hollow {};
  explicit Heap(Hollow);
  // In addresses that stay mapped as long as it lives, as Mapping::sparse() maps them.
  Heap(Hollow, std::byte* base, std::size_t reserve_bytes);
  explicit Heap(HeapPlace place);
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // Zeroed and backed by memory, unless hollow. Aligned to 4096; from 2 MiB on to 2 MiB. 0 bytes:
  // nullptr. tuttiSystemError with sizes when memory or the reserve runs out.
  void* allocate(std::size_t bytes);

  // nullptr is allowed. Not the start of an allocation: tuttiInvalidArgument. Pinned:
  // tuttiInvalidUsage that names who holds it.
  void free(void* pointer);

  // Small-message path: a range check, no lock. Says nothing about what is allocated there.
  std::optional<std::size_t> offset_of(const void* pointer, std::size_t bytes) const noexcept {
    const std::size_t offset =
        reinterpret_cast<std::uintptr_t>(pointer) - reinterpret_cast<std::uintptr_t>(base_);
    if (offset > reserve_ || bytes > reserve_ - offset) return std::nullopt;
    return offset;
  }
  bool contains(const void* pointer, std::size_t bytes) const noexcept {
    return offset_of(pointer, bytes).has_value();
  }

  // The allocation in which [pointer, pointer + bytes) lies whole. Takes the lock.
  std::optional<Allocation> find_allocation(const void* pointer, std::size_t bytes) const;

  // Keeps the allocation around [pointer, pointer + bytes) from being freed while the pin lives.
  // `who`
  // ("communicator world") is named to those who try. Outside allocations: tuttiInvalidArgument.
  [[nodiscard]] HeapPin pin(const void* pointer, std::size_t bytes, std::string who);

  // Between the two calls the watcher hears of each allocation that is freed.
  void watch(HeapWatcher& watcher);
  void unwatch(HeapWatcher& watcher) noexcept;

  SharedFileHandle handle() const noexcept { return handle_; }
  std::byte* base() const noexcept { return base_; }
  std::size_t reserve_bytes() const noexcept { return reserve_; }
  std::size_t allocated_bytes() const;

 private:
  friend class HeapPin;
  struct Block {
    std::size_t bytes;              // as asked for; it takes whole pages
    std::vector<std::string> pins;  // who holds it
  };

  void check_process() const;
  HeapHeader& header() noexcept { return *reinterpret_cast<HeapHeader*>(base_ + reserve_); }
  std::size_t take(std::size_t bytes);
  void back(std::size_t offset, std::size_t bytes);
  void forget(std::map<std::size_t, Block>::const_iterator block);
  std::map<std::size_t, Block>::const_iterator block_around(std::size_t offset,
                                                            std::size_t bytes) const;
  void unpin(std::size_t offset, const std::string& who) noexcept;

  const int generation_ = process_generation();
  const std::size_t reserve_;
  const bool hollow_;
  Descriptor file_;        // none of a hollow one
  std::size_t first_ = 0;  // in the file
  Mapping mapping_;        // unless it lies elsewhere
  std::byte* base_;
  SharedFileHandle handle_;

  mutable std::mutex mutex_;  // everything below
  FreeRanges free_;
  std::map<std::size_t, Block> blocks_;  // offset -> block
  std::size_t taken_ = 0;
  std::vector<HeapWatcher*> watchers_;
};

// Releases at the end of its life. Must not outlive the heap: the process's never ends.
class HeapPin {
 public:
  HeapPin() = default;
  HeapPin(HeapPin&& other) noexcept;
  HeapPin& operator=(HeapPin&& other) noexcept;
  ~HeapPin();

 private:
  friend class Heap;
  HeapPin(Heap* heap, std::size_t offset, std::string who)
      : heap_(heap), offset_(offset), who_(std::move(who)) {}

  Heap* heap_ = nullptr;
  std::size_t offset_ = 0;  // of the pinned allocation's start
  std::string who_;
};

}  // namespace tutti
