#include "moe/result_rows.hpp"

#include <algorithm>

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
  for (std::size_t rank = 0; rank < scratch_.entries.size(); ++rank) {
    const auto peer = static_cast<Rank>(rank);
    if (peer == channel_.rank()) {
      scratch_.bases[rank] = own;
    } else if (!plan.table().entries_for(peer).empty() && scratch_.entries[rank].num_rows != 0) {
      locate(peer);
    }
  }
  if (!all_in_view_) scratch_.fetched_rows.resize(std::max(kBatch, lanes_) * row_bytes_);
}

void ResultRows::locate(Rank peer) {
  const CombineEntry& entry = scratch_.entries[at(peer)];
  if (!channel_.in_view(peer, entry.rows.where)) {
    all_in_view_ = false;
    return;
  }
  const std::size_t extent = (entry.num_rows - 1) * entry.row_stride + row_bytes_;
  scratch_.bases[at(peer)] = channel_.view(peer, entry.rows, extent);
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
          {{slot, row_bytes_}, entry.rows.offset + place.row * entry.row_stride});
      slot += row_bytes_;
    }
  }
  for (std::size_t rank = 0; rank < scratch_.fetches.size(); ++rank) {
    const auto& fetches = scratch_.fetches[rank];
    if (fetches.empty()) continue;
    channel_.get(static_cast<Rank>(rank), scratch_.entries[rank].rows.where, fetches);
  }
  return token;
}

}  // namespace tutti::moe
