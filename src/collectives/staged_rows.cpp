#include "collectives/staged_rows.hpp"

#include <algorithm>
#include <utility>

#include "kernels/copy.hpp"
#include "kernels/shared_copy.hpp"

namespace tutti {

namespace {
constexpr unsigned kChunks = 2;
}

std::size_t StagedRows::send(std::vector<Rank> peers, const std::byte* data, std::size_t bytes,
                             const Pipe& pipe) {
  std::size_t before = kFree;
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    if (sent_[i].pipe.staging_offset == pipe.staging_offset) before = i;
  }
  sent_.push_back(
      {.peers = std::move(peers), .data = data, .bytes = bytes, .pipe = pipe, .before = before});
  return sent_.size() - 1;
}

void StagedRows::receive(Rank peer, std::byte* data, std::size_t bytes, const Pipe& pipe,
                         std::size_t behind) {
  received_.push_back({.peer = peer, .data = data, .bytes = bytes, .pipe = pipe, .behind = behind});
}

bool StagedRows::taken_by_all(const Sent& row, unsigned chunks) const {
  return std::all_of(row.peers.begin(), row.peers.end(), [&](Rank peer) {
    return chunks == 0 || operation_.has(peer, Phase::kTaken, chunks);
  });
}

bool StagedRows::advance(Sent& row, std::span<std::byte> staging) {
  if (row.taken) return false;
  if (row.before != kFree && !sent_[row.before].taken) return false;
  if (row.filled == row.bytes) {
    row.taken = taken_by_all(row, row.chunks);
    return row.taken;
  }
  if (row.chunks >= kChunks && !taken_by_all(row, row.chunks - kChunks + 1)) return false;
  const std::size_t bytes = std::min(row.pipe.chunk_bytes, row.bytes - row.filled);
  std::byte* const chunk =
      staging.data() + row.pipe.staging_offset + (row.chunks % kChunks) * row.pipe.chunk_bytes;
  operation_.channel().touches(Write{chunk, bytes});
  if (operation_.channel().moves(Read{row.data + row.filled, bytes})) {
    kernels::SharedCopy(operation_.channel().gauge(), bytes)
        .copy(chunk, row.data + row.filled, bytes);
  }
  operation_.charge(LocalWork::copy(bytes));
  row.filled += bytes;
  ++row.chunks;
  operation_.post_together([&] {
    for (const Rank peer : row.peers) operation_.post(peer, Phase::kReady, row.chunks);
  });
  return true;
}

bool StagedRows::is_there(const Received& row) const {
  if (row.copied == row.bytes) return false;
  if (row.behind != kFree &&
      sent_[row.behind].filled < std::min(row.copied + row.next_bytes(), sent_[row.behind].bytes)) {
    return false;
  }
  return operation_.has(row.peer, Phase::kReady, row.chunks + 1);
}

// Chunks of all rows that are there are asked for together.
bool StagedRows::advance_received() {
  views_.clear();
  there_.clear();
  for (Received& row : received_) {
    if (!is_there(row)) continue;
    const std::size_t offset =
        row.pipe.staging_offset + (row.chunks % kChunks) * row.pipe.chunk_bytes;
    views_.push_back(
        {.peer = row.peer, .offset = offset, .bytes = row.next_bytes(), .data = nullptr});
    there_.push_back(&row);
  }
  if (there_.empty()) return false;
  operation_.charge(LocalWork::looks(there_.size()));
  operation_.view_staging(views_);
  for (std::size_t i = 0; i < there_.size(); ++i) {
    Received& row = *there_[i];
    operation_.channel().touches(Read{views_[i].data, views_[i].bytes});
    if (operation_.channel().moves(Write{row.data + row.copied, views_[i].bytes})) {
      kernels::copy(row.data + row.copied, views_[i].data, views_[i].bytes);
    }
    row.copied += views_[i].bytes;
    ++row.chunks;
    operation_.post(row.peer, Phase::kTaken, row.chunks);
  }
  return true;
}

void StagedRows::run(std::span<std::byte> staging) {
  const auto advance_all = [&] {
    bool any = false;
    for (Sent& row : sent_) any = advance(row, staging) || any;
    return advance_received() || any;
  };
  const auto done = [&] {
    return std::all_of(sent_.begin(), sent_.end(), [](const Sent& row) { return row.taken; }) &&
           std::all_of(received_.begin(), received_.end(),
                       [](const Received& row) { return row.copied == row.bytes; });
  };
  const auto missing = [&](std::vector<Rank>& ranks) {
    for (const Received& row : received_) {
      if (row.copied != row.bytes) ranks.push_back(row.peer);
    }
    for (const Sent& row : sent_) {
      if (row.taken) continue;
      for (const Rank peer : row.peers) {
        if (row.chunks == 0 || operation_.lacks(peer, Phase::kTaken, row.chunks)) {
          ranks.push_back(peer);
        }
      }
    }
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  };
  while (!done()) {
    // The waiter may ask again after a yes, before it returns: what has moved must stay said, or a
    // wait that saw the last chunk would go on.
    bool moved = false;
    operation_.wait_until([&] { return moved = advance_all() || moved; }, missing);
  }
}

}  // namespace tutti
