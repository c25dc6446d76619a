// Numbers for nodes that are used again: what one owner takes one after the other is in a row.
//
// Whoever sends to hundreds of peers then writes memory in order, and so does who reads what was
// sent; with a list of free numbers a few steps are enough to spread them over all memory, where
// every one misses the caches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tutti::ub {

class RowNumbers {
 public:
  static constexpr std::uint32_t kRow = 64;

  explicit RowNumbers(std::size_t owners) : rows_of_(owners, kNoRow) {}

  // Below size().
  std::uint32_t take(std::size_t owner) {
    std::uint32_t row = rows_of_[owner];
    if (row == kNoRow || rows_[row].taken == kRow) [[unlikely]] {
      row = begin_row(owner);
    }
    ++rows_[row].used;
    return row * kRow + rows_[row].taken++;
  }

  void give_back(std::uint32_t number) noexcept {
    const std::uint32_t index = number / kRow;
    Row& row = rows_[index];
    if (--row.used > 0) return;
    row.taken = 0;
    if (rows_of_[row.owner] != index) free_.push_back(index);  // has room: see begin_row()
  }

  // A multiple of kRow.
  std::size_t size() const noexcept { return rows_.size() * kRow; }

 private:
  static constexpr std::uint32_t kNoRow = UINT32_MAX;

  // Invariant: a row is its owner's until all of it has been taken; then, once nothing of it is in
  // use, it is free.
  struct Row {
    std::uint32_t owner = 0;
    std::uint32_t taken = 0;  // from its start on, since nothing of it was in use
    std::uint32_t used = 0;
  };

  std::uint32_t begin_row(std::size_t owner) {
    std::uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(rows_.size());
      rows_.emplace_back();
      free_.reserve(rows_.capacity());
    } else {
      index = free_.back();
      free_.pop_back();
    }
    rows_[index].owner = static_cast<std::uint32_t>(owner);
    return rows_of_[owner] = index;
  }

  std::vector<std::uint32_t> rows_of_;  // [owner]: the row that is its
  std::vector<Row> rows_;
  std::vector<std::uint32_t> free_;  // last freed, first used
};

}  // namespace tutti::ub
