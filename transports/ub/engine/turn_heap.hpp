// A priority queue by turn: a heap with four children a node.
//
// Measured with 384 to 100,000 entries (perf/sim): TODO
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "transports/ub/engine/turn.hpp"

namespace tutti::ub {

// Entries with equal time and place leave in the order in which they came: each is numbered, and
// when the 32 bits of a number are used up, what is in the queue is numbered anew, in order.
template <typename Payload>
class TurnHeap {
 public:
  // Tests begin shortly before the numbers are used up.
  explicit TurnHeap(std::uint32_t first_number = 0) : next_number_(first_number) {}

  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }

  // Who is first; at kNever when nobody is here.
  const Turn& first() const noexcept { return first_; }

  // The turn that a push would get now.
  Turn offer(Picoseconds time, std::uint32_t place) const noexcept {
    return Turn::of(time, place, next_number_);
  }

  void push(Picoseconds time, std::uint32_t place, Payload payload) {
    if (next_number_ == std::numeric_limits<std::uint32_t>::max()) [[unlikely]] {
      renumber();
    }
    const Entry entry{Turn::of(time, place, next_number_++), payload};
    entries_.push_back(entry);
    rise(entries_.size() - 1, entry);
    first_ = entries_.front().turn;
  }

  // Takes out who is first. Not when empty().
  Payload pop() noexcept {
    const Payload payload = entries_.front().payload;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (entries_.empty()) {
      first_ = Turn{};
    } else {
      // The last entry almost always belongs near the bottom: the hole sinks all the way, then it
      // rises.
      rise(sink_hole(), last);
      first_ = entries_.front().turn;
    }
    return payload;
  }

  void clear() noexcept {
    entries_.clear();
    first_ = Turn{};
  }

 private:
  struct Entry {
    Turn turn;
    Payload payload;
  };
  static constexpr std::size_t kChildren = 4;

  // Puts `entry` into the hole at `index` or above it.
  void rise(std::size_t index, const Entry& entry) noexcept {
    while (index > 0) {
      const std::size_t parent = (index - 1) / kChildren;
      if (!(entry.turn < entries_[parent].turn)) break;
      entries_[index] = entries_[parent];
      index = parent;
    }
    entries_[index] = entry;
  }

  // Moves the hole at the root to a leaf; returns where it is.
  std::size_t sink_hole() noexcept {
    Entry* const entries = entries_.data();
    const std::size_t size = entries_.size();
    std::size_t hole = 0;
    for (;;) {
      const std::size_t child = hole * kChildren + 1;
      if (child + kChildren <= size) {
        const std::size_t left = child + (entries[child + 1].turn < entries[child].turn ? 1 : 0);
        const std::size_t right =
            child + 2 + (entries[child + 3].turn < entries[child + 2].turn ? 1 : 0);
        const std::size_t least = entries[right].turn < entries[left].turn ? right : left;
        entries[hole] = entries[least];
        hole = least;
        continue;
      }
      if (child >= size) return hole;
      std::size_t least = child;
      for (std::size_t other = child + 1; other < size; ++other) {
        if (entries[other].turn < entries[least].turn) least = other;
      }
      entries[hole] = entries[least];
      return least;
    }
  }

  // A sorted array is a heap.
  void renumber() {
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.turn < b.turn; });
    next_number_ = 0;
    for (Entry& entry : entries_) {
      entry.turn = Turn::of(entry.turn.time, entry.turn.place(), next_number_++);
    }
  }

  std::vector<Entry> entries_;
  Turn first_;
  std::uint32_t next_number_;
};

}  // namespace tutti::ub
