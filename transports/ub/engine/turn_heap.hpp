// A heap of turns with four children a node: short, and the four lie side by side.
#pragma once

#include <cstddef>
#include <vector>

#include "transports/ub/engine/turn.hpp"

namespace tutti::ub {

class TurnHeap {
 public:
  bool empty() const noexcept { return turns_.empty(); }
  std::size_t size() const noexcept { return turns_.size(); }
  // Not when empty().
  const Turn& first() const noexcept { return turns_.front(); }

  void push(const Turn& turn) {
    turns_.push_back(turn);
    rise(turns_.size() - 1, turn);
  }

  // Not when empty(). The last turn almost always belongs near the bottom: so the hole at the top
  // sinks all the way, and then the last turn rises from there.
  Turn pop() noexcept {
    const Turn popped = turns_.front();
    const Turn last = turns_.back();
    turns_.pop_back();
    if (!turns_.empty()) rise(sink_hole(), last);
    return popped;
  }

  // Everything, in no order; the heap is empty after that.
  void take_all(std::vector<Turn>& turns) noexcept {
    turns.clear();
    turns_.swap(turns);
  }
  void clear() noexcept { turns_.clear(); }

 private:
  static constexpr std::size_t kChildren = 4;

  // Puts `turn` into the hole at `index` or above it.
  void rise(std::size_t index, const Turn& turn) noexcept {
    Turn* const turns = turns_.data();
    while (index > 0) {
      const std::size_t parent = (index - 1) / kChildren;
      if (!(turn < turns[parent])) break;
      turns[index] = turns[parent];
      index = parent;
    }
    turns[index] = turn;
  }

  // Moves the hole at the top to a leaf; returns where it is.
  std::size_t sink_hole() noexcept {
    Turn* const turns = turns_.data();
    const std::size_t size = turns_.size();
    std::size_t hole = 0;
    for (;;) {
      const std::size_t child = hole * kChildren + 1;
      if (child + kChildren > size) {
        if (child >= size) return hole;
        std::size_t least = child;
        for (std::size_t other = child + 1; other < size; ++other) {
          if (turns[other] < turns[least]) least = other;
        }
        turns[hole] = turns[least];
        return least;
      }
      const std::size_t left = child + (turns[child + 1] < turns[child] ? 1 : 0);
      const std::size_t right = child + (turns[child + 3] < turns[child + 2] ? 3 : 2);
      const std::size_t least = turns[right] < turns[left] ? right : left;
      turns[hole] = turns[least];
      hole = least;
    }
  }

  std::vector<Turn> turns_;
};

}  // namespace tutti::ub
