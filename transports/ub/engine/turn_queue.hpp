// Turns in order, however many: a sorted run and a small heap of those that come soon, and buckets
// of all others by how far they are away.
//
// One heap of everything took 67 ns for one out and one in at 384 turns, 90 ns at 4096 and 480 ns
// at 262,144, where it misses the caches at every level (perf/sim).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "transports/ub/engine/turn_heap.hpp"

namespace tutti::ub {

// A monotone radix heap (Ahuja et al. 1990) whose smallest buckets are sorted at once.
//
// Invariants. Every turn before near_end_, which is after base_, is in run_ or in heap_; far_ has
// all others. A far turn is in the bucket of the highest bit in which its time differs from base_.
// So every turn of a bucket is before every one of the next, and when base_ moves to the first time
// of the lowest bucket, that bucket alone has to be distributed anew, into lower ones: nobody moves
// more often than a time has bits, and most move two or three times. first_ is the first of all.
//
// Turns earlier than the last that was popped are slow if they are many, not wrong.
class TurnQueue {
 public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  // At kNever when empty().
  const Turn& first() const noexcept { return first_; }

  // The turn that a push would get now.
  Turn offer(Picoseconds time, std::uint32_t place, std::uint32_t item) const noexcept {
    return {.time = time, .place = place, .item = item, .inserted = pushed_};
  }

  // `time` is from zero to before kNever.
  void push(Picoseconds time, std::uint32_t place, std::uint32_t item) {
    const Turn turn = offer(time, place, item);
    ++pushed_;
    ++size_;
    if (turn < first_) first_ = turn;
    if (time < near_end_) {
      heap_.push(turn);
      if (heap_.size() > most_in_heap_) [[unlikely]] {
        thin_out();
      }
    } else if (used_ == 0 && size_ <= kFew) {
      near_end_ = time + Picoseconds(1);
      heap_.push(turn);
    } else {
      push_far(turn);
    }
  }

  // Takes out first() and returns its item. Not when empty().
  std::uint32_t pop() {
    const std::uint32_t item = first_.item;
    if (run_next_ == run_.size() && heap_.empty()) refill();
    if (run_next_ < run_.size() && run_[run_next_].inserted == first_.inserted) {
      ++run_next_;
    } else {
      heap_.pop();
    }
    --size_;
    find_first();
    return item;
  }

  // Has the run been filled since the last call? Then run() is what comes next but for what is
  // pushed before it: a look-ahead.
  bool take_refilled() noexcept { return std::exchange(refilled_, false); }
  std::span<const Turn> run() const noexcept {
    return std::span<const Turn>(run_).subspan(run_next_);
  }

  void clear() noexcept;

 private:
  static constexpr std::size_t kFew = 16;          // not worth a bucket
  static constexpr std::size_t kMostInRun = 64;    // sorted at once
  static constexpr std::size_t kMostInHeap = 256;  // it stays in the first-level cache

  void push_far(const Turn& turn) {
    const auto distance =
        static_cast<std::uint64_t>(turn.time.count()) ^ static_cast<std::uint64_t>(base_.count());
    const auto bucket = static_cast<std::size_t>(std::bit_width(distance));
    far_[bucket].push_back(turn);
    used_ |= std::uint64_t{1} << bucket;
  }

  // Nothing is near: moves what comes first there.
  void refill();
  void find_first() noexcept {
    const bool in_run = run_next_ < run_.size();
    if (!in_run && heap_.empty()) return look_ahead();
    if (in_run && (heap_.empty() || run_[run_next_] < heap_.first())) {
      first_ = run_[run_next_];
    } else {
      first_ = heap_.first();
    }
  }
  // Nothing is near: finds first_.
  void look_ahead() noexcept;
  // The heap has grown: the later half of what is near becomes far.
  void thin_out();

  std::vector<Turn> run_;  // from run_next_ on
  std::size_t run_next_ = 0;
  bool refilled_ = false;
  TurnHeap heap_;
  std::size_t most_in_heap_ = kMostInHeap;
  Picoseconds near_end_{0};
  Picoseconds base_{0};
  std::array<std::vector<Turn>, 64> far_;  // bucket 0: time == base_
  std::uint64_t used_ = 0;                 // a bit for every bucket that is not empty
  Turn first_;
  std::size_t size_ = 0;
  std::uint64_t pushed_ = 0;
  std::vector<Turn> moving_;  // on their way from one place to the other
};

}  // namespace tutti::ub
