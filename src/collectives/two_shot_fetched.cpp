// The two-shot reduction where bytes come by copies: each rank gets its share of all inputs, piece by
// piece into its staging, and reduces them into its own output; when a share is done, whoever needs
// it gets it from there.
//
//   kReady  my share is reduced, and I have read everybody's input for it; lies at the place it says
//   kDone   I have got your share
//
// A rank's output may be its input: what it gets of share s goes over its own input for s, which
// rank s has read, as it says.
#include <algorithm>
#include <cstring>

#include "channel/fetch_list.hpp"
#include "channel/lent_bytes.hpp"
#include "collectives/shares.hpp"
#include "collectives/two_shot.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

namespace {

class FetchedReduction {
 public:
  FetchedReduction(const Operation& operation, const Request& request,
                   PerRank<TwoShotEntry>& entries, std::span<const std::uint64_t> scales)
      : operation_(operation),
        channel_(operation.channel()),
        request_(request),
        entries_(entries),
        scales_(scales),
        shares_(request, operation.ranks()),
        self_(operation.rank()),
        ranks_(operation.ranks()),
        size_(request.element_bytes()),
        kept_(channel_.transport()) {}

  void run() {
    reduce_own();
    tell_readers();
    fetch_others();
    for (const Rank reader : readers_) operation_.await(reader, Phase::kDone);
    operation_.charge(LocalWork::looks(readers_.size()));
    // Whose share this rank does not need has read its input all the same.
    for (Rank owner = 0; owner < ranks_; ++owner) {
      if (owner != self_ && !shares_.needed_by(self_, owner)) operation_.await(owner, Phase::kReady);
    }
  }

 private:
  std::size_t bytes_of(Rank owner) const { return shares_.of(owner).count * size_; }
  std::byte* place_of(Rank owner) const { return request_.recv + shares_.place(owner) * size_; }

  // Where this rank's share goes: its place in the output, or a place for who fetches it.
  std::byte* result() {
    if (shares_.needed_by(self_, self_)) return place_of(self_);
    if (kept_.empty()) kept_.make(std::max<std::size_t>(bytes_of(self_), 1));
    return kept_.data();
  }

  void reduce_own() {
    const Share share = shares_.of(self_);
    if (share.count == 0) return;
    const std::span<std::byte> staging = operation_.claim_staging();
    const auto others = static_cast<std::size_t>(ranks_) - 1;
    const std::size_t piece = std::max(staging.size() / others / size_ / 64 * 64, std::size_t{1});
    std::byte* const to = result();
    for (std::size_t done = 0; done < share.count; done += piece) {
      const std::size_t count = std::min(piece, share.count - done);
      reduce_piece(staging, share.first + done, count, to + done * size_);
    }
  }

  void reduce_piece(std::span<std::byte> staging, std::size_t first, std::size_t count,
                    std::byte* to) {
    const std::size_t bytes = count * size_;
    PerRank<const std::byte*> sources(ranks_);
    fetched_.clear();
    std::byte* room = staging.data();
    for (int i = 0; i < ranks_; ++i) {
      const Rank peer = (self_ + i) % ranks_;
      if (peer == self_) {
        sources[peer] = request_.send + first * size_;
        continue;
      }
      const MemoryRef& input = entries_[peer].send;
      fetched_.add(input.where, {peer, {room, bytes}, input.offset + first * size_});
      sources[peer] = room;
      room += bytes;
    }
    fetched_.bring(channel_);
    if (channel_.moves(Reads{sources.all(), bytes}, Write{to, bytes})) {
      kernels::reduce({.type = request_.type, .op = request_.reducer.op, .divisor = ranks_},
                      {&to, 1}, sources.all(), count, scales_);
    }
    operation_.charge(LocalWork::reduce(static_cast<std::size_t>(ranks_) * bytes));
  }

  void tell_readers() {
    const MemoryRef place = channel_.refer(result(), std::max<std::size_t>(bytes_of(self_), 1));
    operation_.post_together([&] {
      for (int i = 1; i < ranks_; ++i) {
        const Rank peer = (self_ + i) % ranks_;
        LineContent content;
        std::memcpy(content.payload, &place, sizeof(place));
        operation_.post(peer, Phase::kReady, content);
        if (shares_.needed_by(peer, self_) && bytes_of(self_) != 0) readers_.push_back(peer);
      }
    });
  }

  void fetch_others() {
    fetched_.clear();
    std::size_t heard = 0;
    for (int i = 1; i < ranks_; ++i) {
      const Rank owner = (self_ + i) % ranks_;
      if (!shares_.needed_by(self_, owner)) continue;
      MemoryRef from;
      std::memcpy(&from, operation_.wait(owner, Phase::kReady).payload, sizeof(from));
      ++heard;
      if (bytes_of(owner) == 0) continue;
      fetched_.add(from.where, {owner, {place_of(owner), bytes_of(owner)}, from.offset});
    }
    operation_.charge(LocalWork::looks(heard));
    fetched_.bring(channel_);
    operation_.post_together([this] {
      fetched_.for_each([this](const Fetch& fetch) { operation_.post(fetch.peer, Phase::kDone); });
    });
  }

  const Operation& operation_;
  Channel& channel_;
  const Request& request_;
  PerRank<TwoShotEntry>& entries_;
  const std::span<const std::uint64_t> scales_;
  const Shares shares_;
  const Rank self_;
  const int ranks_;
  const std::size_t size_;
  LentBytes kept_;             // this rank's share, where it does not receive
  std::vector<Rank> readers_;  // of it
  FetchList fetched_;
};

}  // namespace

void two_shot_fetched(const Operation& operation, const Request& request,
                      PerRank<TwoShotEntry>& entries, std::span<const std::uint64_t> scales) {
  FetchedReduction(operation, request, entries, scales).run();
}

}  // namespace tutti
