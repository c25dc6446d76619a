// What happens at a time, smallest turn first: callbacks, each in a cache line of a pool, and what
// is no more than a number. In the steady state nothing is allocated.
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

// Knows what numbers stand for, the same for all of a queue.
class NumberedEvents {
 public:
  static constexpr std::uint32_t kLargest = (std::uint32_t{1} << 31) - 1;

  virtual void happen(std::uint32_t number) = 0;
  virtual void prepare(std::uint32_t number, int pass) const noexcept = 0;

 protected:
  ~NumberedEvents() = default;
};

// A callback runs where it lies and is freed after that, so it may push events itself; it may
// throw, and counts as having run. What it will look at is rarely in the caches: a callback with a
// `prepare(int pass) const noexcept` may fetch it. That is called for all that comes
// next and was sorted together, pass by pass, before any of it runs. So are numbers.
class EventQueue {
 public:
  static constexpr std::size_t kCallbackBytes = 48;
  static constexpr int kPasses = 3;

  // `numbered` outlives it; nullptr: it gets no numbers.
  explicit EventQueue(NumberedEvents* numbered = nullptr) noexcept : numbered_(numbered) {}
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
    made.attend = nullptr;
    if constexpr (!std::is_trivially_destructible_v<Stored> || kPrepares<Stored>) {
      made.attend = &attend<Stored>;
    }
  }

  // Up to NumberedEvents::kLargest.
  void push_number(Picoseconds time, std::uint32_t place, std::uint32_t number) {
    turns_.push(time, place, number | kNumbered);
  }

  // Takes out the first event and runs it. Not when empty().
  void run_first() {
    const std::uint32_t item = turns_.pop();
    if (turns_.take_refilled()) look_ahead();
    if (is_numbered(item)) return numbered_->happen(item & ~kNumbered);
    const Release release{*this, item};
    Node& first = node(item);
    first.run(first.callback);
  }

  // Drops all events; none of them runs.
  void clear() noexcept;

 private:
  static constexpr std::uint32_t kNumbered = NumberedEvents::kLargest + 1;  // of an item: no node's
  static bool is_numbered(std::uint32_t item) noexcept { return (item & kNumbered) != 0; }

  static constexpr int kDrop = -1;
  template <typename Stored>
  static constexpr bool kPrepares = requires(const Stored& stored) {
    stored.prepare(0);
  };

  template <typename Stored>
  static void attend(void* stored, int pass) noexcept {
    if (pass == kDrop) {
      static_cast<Stored*>(stored)->~Stored();
    } else if constexpr (kPrepares<Stored>) {
      static_cast<const Stored*>(stored)->prepare(pass);
    }
  }

  struct alignas(64) Node {
    void (*run)(void*);
    // Destroys it (kDrop), or makes a pass. nullptr: neither is needed.
    void (*attend)(void*, int) noexcept;
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
    if (gone.attend != nullptr) gone.attend(gone.callback, kDrop);
    free_.push_back(index);  // has room: see grow()
  }
  void grow();
  void look_ahead() noexcept;

  NumberedEvents* const numbered_;
  TurnQueue turns_;
  std::vector<std::unique_ptr<Node[]>> chunks_;  // nodes do not move
  std::vector<std::uint32_t> free_;              // last freed, first used: it is in the cache
};

}  // namespace tutti::ub
