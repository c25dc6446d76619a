// What is on its way to the lines of one rank, by the time at which it gets there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "transports/ub/engine/turn.hpp"

namespace tutti::ub {

// Almost everything comes in the order in which it gets there, and lies in a row; what does not is
// in a heap beside it.
class Inbox {
 public:
  struct Entry {
    Picoseconds when{};
    std::uint64_t order = 0;   // counts pushes: among equal times the earlier comes first
    std::uint32_t parcel = 0;  // its number
    bool comes_out = false;    // nothing before it is missing; otherwise that is to be looked at
  };

  // kNever: nothing is on its way.
  Picoseconds first() const noexcept { return first_; }

  void push(Picoseconds when, std::uint32_t parcel, bool comes_out) {
    const Entry entry{.when = when, .order = pushed_++, .parcel = parcel, .comes_out = comes_out};
    if (next_ == row_.size() || row_.back().when <= when) {
      row_.push_back(entry);
    } else {
      stragglers_.push_back(entry);
      std::push_heap(stragglers_.begin(), stragglers_.end(), later);
    }
    first_ = std::min(first_, when);
  }

  // Not when nothing is on its way.
  Entry pop() noexcept {
    Entry entry;
    if (next_ == row_.size() || (!stragglers_.empty() && later(row_[next_], stragglers_.front()))) {
      std::pop_heap(stragglers_.begin(), stragglers_.end(), later);
      entry = stragglers_.back();
      stragglers_.pop_back();
    } else {
      entry = row_[next_++];
      if (next_ == row_.size()) {
        row_.clear();
        next_ = 0;
      } else if (next_ >= kMostGone && next_ > row_.size() / 2) {
        row_.erase(row_.begin(), row_.begin() + static_cast<std::ptrdiff_t>(next_));
        next_ = 0;
      }
    }
    first_ = next_ == row_.size() ? kNever : row_[next_].when;
    if (!stragglers_.empty()) first_ = std::min(first_, stragglers_.front().when);
    return entry;
  }

  // What will probably be popped after `ahead` others; nullptr: not known.
  const Entry* peek(std::size_t ahead) const noexcept {
    return ahead < row_.size() - next_ ? &row_[next_ + ahead] : nullptr;
  }

 private:
  static constexpr std::size_t kMostGone = 256;

  static bool later(const Entry& a, const Entry& b) noexcept {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  Picoseconds first_ = kNever;
  std::vector<Entry> row_;  // from next_ on
  std::size_t next_ = 0;
  std::vector<Entry> stragglers_;
  std::uint64_t pushed_ = 0;
};

}  // namespace tutti::ub
