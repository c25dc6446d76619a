// What happens at a time: callbacks, smallest turn first. In the steady state nothing is allocated:
// a callback lies in a cache line of a pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "transports/ub/engine/turn_queue.hpp"

namespace tutti::ub {

// A callback runs where it lies and is freed after that, so it may push events itself; it may
// throw, and counts as having run.
class EventQueue {
 public:
  static constexpr std::size_t kCallbackBytes = 48;

  EventQueue() = default;
  ~EventQueue() { clear(); }
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  bool empty() const noexcept { return turns_.empty(); }
  std::size_t size() const noexcept { return turns_.size(); }
  const Turn& first() const noexcept { return turns_.first(); }

  template <typename Callback>
  void push(Picoseconds time, std::uint32_t place, Callback&& callback) {
    using Stored = std::decay_t<Callback>;
    static_assert(sizeof(Stored) <= kCallbackBytes, "let the callback point to what it needs");
    static_assert(alignof(Stored) <= alignof(std::max_align_t));
    static_assert(std::is_nothrow_constructible_v<Stored, Callback&&>);
    if (free_.empty()) [[unlikely]] {
      grow();
    }
    const std::uint32_t index = free_.back();
    turns_.push(time, place, index);
    free_.pop_back();
    Node& made = node(index);
    ::new (static_cast<void*>(made.callback)) Stored(std::forward<Callback>(callback));
    made.run = [](void* stored) { (*static_cast<Stored*>(stored))(); };
    made.drop = nullptr;
    if constexpr (!std::is_trivially_destructible_v<Stored>) {
      made.drop = [](void* stored) noexcept { static_cast<Stored*>(stored)->~Stored(); };
    }
  }

  // Takes out the first event and runs it. Not when empty().
  void run_first() {
    const Release release{*this, turns_.pop()};
    if (!turns_.empty()) __builtin_prefetch(&node(turns_.first().item));
    Node& first = node(release.index);
    first.run(first.callback);
  }

  // Drops all events; none of them runs.
  void clear() noexcept;

 private:
  struct alignas(64) Node {
    void (*run)(void*);
    void (*drop)(void*) noexcept;  // nullptr: nothing to destroy
    alignas(std::max_align_t) std::byte callback[kCallbackBytes];
  };
  static_assert(sizeof(Node) == 64);

  struct Release {
    EventQueue& queue;
    std::uint32_t index;
    ~Release() { queue.release(index); }
  };

  static constexpr std::uint32_t kChunk = 1024;  // nodes

  Node& node(std::uint32_t index) noexcept { return chunks_[index / kChunk][index % kChunk]; }
  void release(std::uint32_t index) noexcept {
    Node& gone = node(index);
    if (gone.drop != nullptr) gone.drop(gone.callback);
    free_.push_back(index);  // has room: see grow()
  }
  void grow();

  TurnQueue turns_;
  std::vector<std::unique_ptr<Node[]>> chunks_;  // nodes do not move
  std::vector<std::uint32_t> free_;              // last freed, first used: it is in the cache
};

}  // namespace tutti::ub
