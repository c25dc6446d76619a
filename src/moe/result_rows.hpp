// The rows that combine sums, where this rank can read them: in place in the memory of whoever has
// them, or fetched from there for a few tokens at a time.
#pragma once

#include <cstddef>
#include <span>

#include "channel/channel.hpp"
#include "moe/plan.hpp"

namespace tutti::moe {

class ResultRows {
 public:
  // Rows of row_bytes at the plan's places, in the ranks' memory as scratch.entries describes it.
  // `own`: this rank's first row.
  ResultRows(Channel& channel, Plan& plan, std::size_t row_bytes, const std::byte* own);

  // Makes the rows of the tokens from `first` on readable; returns the token where that ends.
  std::size_t bring(std::size_t first);
  // Where the row at `place` can be read: of the tokens that the last bring() named, in the order
  // of the places, each asked for once.
  const std::byte* next(const RowPlace& place) noexcept {
    const std::byte* const base = scratch_.bases[at(place.rank)];
    if (base != nullptr) return base + place.row * scratch_.entries[at(place.rank)].row_stride;
    const std::byte* const fetched = unread_;
    unread_ += row_bytes_;
    return fetched;
  }

 private:
  // Rows of one call to the kernel: enough to share its cost, few enough to be summed while they
  // are in the cache.
  static constexpr std::size_t kBatch = 32;
  // Where reads wait: enough for the way there and back not to matter.
  static constexpr std::size_t kWaitingBatch = 256;

  static std::size_t at(Rank rank) { return static_cast<std::size_t>(rank); }
  void locate(Rank peer);
  bool is_viewed(Rank rank, MemoryRef::Where where) const;
  void count_rows();
  void view_rows(MemoryRef::Where where);
  std::span<const RowPlace> places_of(std::size_t token) const {
    return {places_.data() + token * lanes_, lanes_};
  }

  Channel& channel_;
  Scratch& scratch_;
  std::size_t row_bytes_;
  std::span<const RowPlace> places_;
  std::size_t tokens_;
  std::size_t lanes_;
  bool all_in_view_ = true;
  const std::byte* unread_ = nullptr;
};

}  // namespace tutti::moe
