#include "moe/result_rows.hpp"

#include <algorithm>
#include <utility>

namespace tutti::moe {

ResultRows::ResultRows(Channel& channel, Plan& plan, std::size_t row_bytes, const std::byte* own)
    : channel_(channel),
      scratch_(plan.scratch),
      row_bytes_(row_bytes),
      places_(plan.places()),
      tokens_(static_cast<std::size_t>(plan.tokens())),
      lanes_(static_cast<std::size_t>(plan.lanes())) {
  scratch_.bases.assign(scratch_.entries.size(), nullptr);
  scratch_.fetches.resize(scratch_.entries.size());
  scratch_.bases[at(channel_.rank())] = own;
  if (channel_.reads_wait()) count_rows();
  for (std::size_t rank = 0; rank < scratch_.entries.size(); ++rank) {
    const auto peer = static_cast<Rank>(rank);
    if (peer == channel_.rank() || plan.table().entries_for(peer).empty() ||
        scratch_.entries[rank].num_rows == 0) {
      continue;
    }
    if (!channel_.in_view(peer, scratch_.entries[rank].rows.where)) {
      all_in_view_ = false;
    } else if (!channel_.reads_wait()) {
      locate(peer);
    }
  }
  if (channel_.reads_wait()) {
    view_rows(MemoryRef::Where::kHeap);
    view_rows(MemoryRef::Where::kProcess);
  }
  const std::size_t batch = channel_.reads_wait() ? kWaitingBatch : kBatch;
  if (!all_in_view_) scratch_.fetched_rows.resize(std::max(batch, lanes_) * row_bytes_);
}

// All rows of a peer at once: where its loads are as good as this rank's own.
void ResultRows::locate(Rank peer) {
  const CombineEntry& entry = scratch_.entries[at(peer)];
  const std::size_t extent = (entry.num_rows - 1) * entry.row_stride + row_bytes_;
  scratch_.bases[at(peer)] = channel_.view(peer, entry.rows, extent);
}

bool ResultRows::is_viewed(Rank rank, MemoryRef::Where where) const {
  return rank >= 0 && rank != channel_.rank() && scratch_.entries[at(rank)].rows.where == where &&
         channel_.in_view(rank, where);
}

void ResultRows::count_rows() {
  scratch_.row_counts.assign(scratch_.entries.size(), 0);
  for (const RowPlace& place : places_.first(tokens_ * lanes_)) {
    if (place.rank >= 0) ++scratch_.row_counts[at(place.rank)];
  }
}

// Where reads wait: the rows that are needed and no others, of all peers that have them in such
// memory in one call, those of a peer side by side.
void ResultRows::view_rows(MemoryRef::Where where) {
  std::size_t next = 0;
  // Each rank begins with another one, so that nobody is asked by all at once.
  const auto ranks = scratch_.entries.size();
  for (std::size_t i = 1; i < ranks; ++i) {
    const std::size_t rank = (at(channel_.rank()) + i) % ranks;
    if (!is_viewed(static_cast<Rank>(rank), where)) continue;
    next += std::exchange(scratch_.row_counts[rank], next);
  }
  if (next == 0) return;
  auto& views = scratch_.views;
  views.resize(next);
  for (const RowPlace& place : places_.first(tokens_ * lanes_)) {
    if (!is_viewed(place.rank, where)) continue;
    const CombineEntry& entry = scratch_.entries[at(place.rank)];
    views[scratch_.row_counts[at(place.rank)]++] = {
        .peer = place.rank,
        .offset = entry.rows.offset + place.row * entry.row_stride,
        .bytes = row_bytes_,
        .data = nullptr};
  }
  channel_.view(where, views);
  for (const View& view : views) {
    const std::size_t behind = view.offset - scratch_.entries[at(view.peer)].rows.offset;
    scratch_.bases[at(view.peer)] = view.data - behind;
  }
}

std::size_t ResultRows::bring(std::size_t first) {
  if (all_in_view_) return tokens_;
  for (auto& fetches : scratch_.fetches) fetches.clear();
  unread_ = scratch_.fetched_rows.data();
  std::byte* slot = scratch_.fetched_rows.data();
  std::byte* const end = slot + scratch_.fetched_rows.size();
  std::size_t token = first;
  for (; token < tokens_ && slot + lanes_ * row_bytes_ <= end; ++token) {
    for (const RowPlace& place : places_of(token)) {
      if (place.rank < 0 || scratch_.bases[at(place.rank)] != nullptr) continue;
      const CombineEntry& entry = scratch_.entries[at(place.rank)];
      scratch_.fetches[at(place.rank)].push_back(
          {place.rank, {slot, row_bytes_}, entry.rows.offset + place.row * entry.row_stride});
      slot += row_bytes_;
    }
  }
  for (const auto where : {MemoryRef::Where::kHeap, MemoryRef::Where::kProcess}) {
    auto& together = scratch_.together;
    together.clear();
    for (std::size_t rank = 0; rank < scratch_.fetches.size(); ++rank) {
      if (scratch_.entries[rank].rows.where != where) continue;
      const auto& fetches = scratch_.fetches[rank];
      together.insert(together.end(), fetches.begin(), fetches.end());
    }
    if (!together.empty()) channel_.get(where, together);
  }
  return token;
}

}  // namespace tutti::moe
