#include "collectives/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "channel/fetch_list.hpp"
#include "collectives/rows.hpp"
#include "collectives/staged_rows.hpp"
#include "kernels/copy.hpp"
#include "kernels/shared_copy.hpp"

namespace tutti {

namespace {

using Way = ExchangeEntry::Way;

class Exchange {
 public:
  Exchange(const Operation& operation, const Request& request, const Selection& selection)
      : operation_(operation),
        channel_(operation.channel()),
        selection_(selection),
        self_(operation.rank()),
        ranks_(operation.ranks()),
        rows_(request, self_, ranks_) {}

  void run() {
    send_all();
    copy_own_row();
    for (int i = 0; i < ranks_; ++i) {
      const Rank peer = rows_.partner(i);
      if (peer != self_) receive(peer);
    }
    operation_.charge(LocalWork::looks(heard_));
    fetch();
    if (staged_) staged_->run(staging_);
    for (const Rank peer : late_) take(peer);
    fetch();
    if (rows_.rooted()) operation_.look_for_strangers();
    if (!any_in_place_) return;
    std::size_t readers = 0;
    for (Rank peer = 0; peer < ranks_; ++peer) {
      if (peer == self_ || !is_in_place(rows_.to(peer))) continue;
      operation_.await(peer, Phase::kDone);
      ++readers;
    }
    operation_.charge(LocalWork::looks(readers));
  }

 private:
  bool is_in_place(const Rows::Outgoing& row) const {
    return row.moves && way_of(row) == Way::kInPlace;
  }

  // The way depends on the row and on what is settled before the first row is looked at. In-place
  // rows must be read by every peer that gets them; within a host that is all or none.
  Way way_of(const Rows::Outgoing& row) const {
    if (row.bytes <= ExchangeEntry::kInlineBytes) return Way::kInline;
    const MemoryRef ref = channel_.refer(row.data, row.bytes);
    const bool stays = !rows_.overwrites_unsent();
    const bool in_place = stays && channel_.reached_by_all(ref.where);
    const bool eager = eager_fits_ && row.bytes <= (in_place ? selection_.eager_bytes()
                                                             : selection_.eager_plain_bytes());
    const bool copied = stays && !in_place && row.bytes >= Selection::least_get_bytes() &&
                        channel_.copied_by_all(ref.where);
    // Two copies through a near cache are as fast as one of the kernel's, and nobody waits.
    if (eager && !(copied && far_)) return Way::kEager;
    return in_place || copied ? Way::kInPlace : Way::kStaged;
  }

  // What one rank writes in the whole operation decides whether it fits the caches.
  void copy(std::byte* dst, const std::byte* src, std::size_t bytes) {
    if (!channel_.moves(Read{src, bytes}, Write{dst, bytes})) return;
    if (!incoming_ && bytes >= kLargeRow) {
      incoming_ = 0;
      for (Rank peer = 0; peer < ranks_; ++peer) *incoming_ += rows_.from(peer).bytes;
    }
    if (incoming_.value_or(0) >= kernels::kStreamingBytes) {
      kernels::copy_streaming(dst, src, bytes);
    } else {
      kernels::copy(dst, src, bytes);
    }
  }

  // Eager rows lie one after another in the staging; if all rows fit, any may go that way.
  void settle_eager() {
    std::size_t total = 0;
    for (Rank peer = 0; peer < ranks_; ++peer) {
      const auto row = rows_.to(peer);
      if (peer == self_ || !row.moves || row.bytes <= ExchangeEntry::kInlineBytes) continue;
      total = rows_.same_for_all() ? row.bytes : total + round_up(row.bytes);
    }
    eager_fits_ = total <= channel_.layout().slot_bytes;
    far_ = total >= Selection::least_get_bytes() && channel_.caches_far();
  }

  void send_all() {
    operation_.post_together([this] { send_rows(); });
  }
  void send_rows() {
    settle_eager();
    std::size_t used = 0;
    bool copied = false;
    for (int i = 0; i < ranks_; ++i) {
      const Rank peer = rows_.partner(i);
      const auto row = rows_.to(peer);
      if (peer == self_ || !row.moves) continue;
      ExchangeEntry entry;
      entry.bytes = row.bytes;
      entry.chunk_bytes = 0;
      entry.way = way_of(row);
      switch (entry.way) {
        case Way::kInline:
          if (row.bytes != 0 && channel_.moves(Read{row.data, row.bytes})) {
            std::memcpy(entry.data, row.data, row.bytes);
          }
          break;
        case Way::kEager:
          claim();
          entry.staging_offset = rows_.same_for_all() ? 0 : used;
          if (!copied) {
            channel_.touches(Write{staging_.data() + used, row.bytes});
            if (channel_.moves(Read{row.data, row.bytes})) {
              kernels::SharedCopy(channel_.gauge(), row.bytes)
                  .copy(staging_.data() + used, row.data, row.bytes);
            }
            operation_.charge(LocalWork::copy(row.bytes));
          }
          copied = rows_.same_for_all();
          if (!copied) used += round_up(row.bytes);
          break;
        case Way::kInPlace:
          entry.place = channel_.refer(row.data, row.bytes);
          any_in_place_ = true;
          break;
        case Way::kStaged:
          stage(peer, row, entry);
          break;
      }
      LineContent content;
      std::memcpy(content.payload, &entry, sizeof(entry));
      operation_.post(peer, Phase::kEntry, content);
    }
  }

  // Takes the row into the staged ones, in one of a few pipes; one pipe for rows that all peers
  // get.
  void stage(Rank peer, const Rows::Outgoing& row, ExchangeEntry& entry) {
    claim();
    if (!staged_) staged_.emplace(operation_);
    const std::size_t pipes =
        rows_.same_for_all() ? 1
                             : std::min(selection_.pipes(), static_cast<std::size_t>(ranks_) - 1);
    const std::size_t chunk = std::min(channel_.layout().slot_bytes / pipes / 2 & ~std::size_t{63},
                                       selection_.chunk_bytes());
    const Pipe pipe{.staging_offset = (staged_count_ % pipes) * 2 * chunk, .chunk_bytes = chunk};
    entry.staging_offset = pipe.staging_offset;
    entry.chunk_bytes = static_cast<std::uint32_t>(chunk);
    if (rows_.same_for_all()) {
      if (staged_count_++ != 0) return;
      std::vector<Rank> peers;
      for (Rank other = 0; other < ranks_; ++other) {
        if (other != self_) peers.push_back(other);
      }
      staged_->send(std::move(peers), row.data, row.bytes, pipe);
      return;
    }
    ++staged_count_;
    const std::size_t index = staged_->send({peer}, row.data, row.bytes, pipe);
    if (rows_.overwrites_unsent()) {
      unsent_.resize(static_cast<std::size_t>(ranks_), StagedRows::kFree);
      unsent_[static_cast<std::size_t>(peer)] = index;
    }
  }

  void copy_own_row() {
    const auto out = rows_.to(self_);
    const auto in = rows_.from(self_);
    if (!out.moves || !in.moves || out.data == in.data) return;
    if (out.bytes != in.bytes) raise_mismatch(operation_, self_, self_, out.bytes, in.bytes);
    copy(in.data, out.data, out.bytes);
    operation_.charge(LocalWork::copy(out.bytes));
  }

  void receive(Rank peer) {
    const auto row = rows_.from(peer);
    if (!row.moves) return;
    const ExchangeEntry entry = entry_of(peer);
    ++heard_;
    if (entry.bytes != row.bytes) raise_mismatch(operation_, peer, self_, entry.bytes, row.bytes);
    const std::size_t unsent =
        unsent_.empty() ? StagedRows::kFree : unsent_[static_cast<std::size_t>(peer)];
    if (entry.way == Way::kStaged) {
      if (!staged_) staged_.emplace(operation_);
      staged_->receive(peer, row.data, row.bytes,
                       {.staging_offset = entry.staging_offset, .chunk_bytes = entry.chunk_bytes},
                       unsent);
    } else if (unsent != StagedRows::kFree) {
      late_.push_back(peer);
    } else {
      take(peer);
    }
  }

  // Copies a row that is there whole, or notes it for fetch().
  void take(Rank peer) {
    std::byte* const data = rows_.from(peer).data;
    const std::size_t bytes = rows_.from(peer).bytes;
    const ExchangeEntry entry = entry_of(peer);
    if (entry.way == Way::kInline) {
      if (bytes != 0 && channel_.moves(Write{data, bytes})) {
        std::memcpy(data, entry.data, bytes);
      }
      return;
    }
    if (entry.way == Way::kEager) {
      if (channel_.reads_wait()) {
        eager_.push_back({peer, {data, bytes}, entry.staging_offset});
      } else {
        copy(data, operation_.view_staging(peer, entry.staging_offset, bytes), bytes);
      }
      return;
    }
    const MemoryRef place = entry.place;
    if (channel_.reads_wait()) {
      in_place_.add(place.where, {peer, {data, bytes}, place.offset});
      return;
    }
    if (channel_.in_view(peer, place.where)) {
      copy(data, channel_.view(peer, place, bytes), bytes);
    } else {
      const Fetch fetch{peer, {data, bytes}, place.offset};
      channel_.get(place.where, {&fetch, 1});
    }
    operation_.post(peer, Phase::kDone);
  }

  // Brings all that take() has noted.
  void fetch() {
    if (!eager_.empty()) operation_.get_staging(eager_);
    if (rows_.rooted()) {
      in_place_.bring(channel_);
    } else {
      in_place_.bring_in_windows(channel_);
    }
    operation_.post_together([this] {
      in_place_.for_each([this](const Fetch& fetch) { operation_.post(fetch.peer, Phase::kDone); });
    });
    eager_.clear();
    in_place_.clear();
  }

  ExchangeEntry entry_of(Rank peer) const {
    ExchangeEntry entry;
    std::memcpy(&entry, operation_.wait(peer, Phase::kEntry).payload, sizeof(entry));
    return entry;
  }

  void claim() {
    if (staging_.empty()) staging_ = operation_.claim_staging();
  }
  static std::size_t round_up(std::size_t bytes) { return (bytes + 63) & ~std::size_t{63}; }

  static constexpr std::size_t kLargeRow = std::size_t{16} << 10;

  const Operation& operation_;
  Channel& channel_;
  const Selection& selection_;
  Rank self_;
  int ranks_;
  Rows rows_;
  bool eager_fits_ = false;
  bool any_in_place_ = false;
  bool far_ = false;                     // asked once: a row's way must not change
  std::optional<std::size_t> incoming_;  // bytes of all rows to this rank, once a large one came
  std::span<std::byte> staging_;
  std::size_t staged_count_ = 0;
  std::optional<StagedRows> staged_;
  std::vector<std::size_t>
      unsent_;                // send and receive buffer are one: the staged row for each peer
  std::size_t heard_ = 0;     // entries of peers
  std::vector<Rank> late_;    // whole rows to take when everything of ours is sent
  std::vector<Fetch> eager_;  // whole rows that are asked for together, by where they lie
  FetchList in_place_;
};

}  // namespace

void exchange(const Operation& operation, const Request& request, const Selection& selection) {
  Exchange(operation, request, selection).run();
}

void raise_mismatch(const Operation& operation, Rank from, Rank to, std::size_t sent,
                    std::size_t expected) {
  std::vector<int> culprits{std::min(from, to), std::max(from, to)};
  if (from == to) culprits.pop_back();
  Channel& channel = operation.channel();
  channel.raise(
      Error(tuttiMismatch,
            fmt::format("{}, sequence {} on \"{}\": rank {} sends {} bytes to rank {}, which "
                        "expects {}",
                        operation.describe(), operation.sequence(), channel.name(), from, sent, to,
                        expected),
            std::move(culprits)));
}

}  // namespace tutti
