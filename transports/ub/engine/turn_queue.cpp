#include "transports/ub/engine/turn_queue.hpp"

#include <algorithm>

namespace tutti::ub {

void TurnQueue::look_ahead() noexcept {
  first_ = Turn{};
  if (used_ == 0) return;
  for (const Turn& turn : far_[static_cast<std::size_t>(std::countr_zero(used_))]) {
    if (turn < first_) first_ = turn;
  }
}

void TurnQueue::refill() {
  std::vector<Turn>& lowest = far_[static_cast<std::size_t>(std::countr_zero(used_))];
  used_ &= used_ - 1;
  base_ = first_.time;
  run_.clear();
  run_next_ = 0;
  most_in_heap_ = kMostInHeap;
  if (lowest.size() <= kMostInRun) {
    run_.swap(lowest);
  } else {
    // None of them goes back to this bucket: all agree with base_ in its bit.
    for (const Turn& turn : lowest) {
      if (turn.time == base_) {
        run_.push_back(turn);
      } else {
        push_far(turn);
      }
    }
    lowest.clear();
  }
  // Equal times often come in order.
  if (!std::is_sorted(run_.begin(), run_.end())) std::sort(run_.begin(), run_.end());
  near_end_ = run_.back().time + Picoseconds(1);
  refilled_ = true;
}

void TurnQueue::thin_out() {
  heap_.take_all(moving_);
  moving_.insert(moving_.end(), run_.begin() + static_cast<std::ptrdiff_t>(run_next_), run_.end());
  run_.clear();
  run_next_ = 0;
  const auto middle = moving_.begin() + static_cast<std::ptrdiff_t>(moving_.size() / 2);
  std::nth_element(moving_.begin(), middle, moving_.end());
  // At least the first time stays, and everything before base_, for which there is no bucket.
  near_end_ = std::max({middle->time, first_.time + Picoseconds(1), base_ + Picoseconds(1)});
  for (const Turn& turn : moving_) {
    if (turn.time < near_end_) {
      heap_.push(turn);
    } else {
      push_far(turn);
    }
  }
  most_in_heap_ = std::max(kMostInHeap, 2 * heap_.size());  // equal times cannot be told apart
}

void TurnQueue::clear() noexcept {
  run_.clear();
  run_next_ = 0;
  heap_.clear();
  for (std::vector<Turn>& bucket : far_) bucket.clear();
  used_ = 0;
  size_ = 0;
  first_ = Turn{};
}

}  // namespace tutti::ub
