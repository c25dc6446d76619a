// The two-shot reduction where bytes come by copies: each rank gets its share of all inputs, piece
// by piece into its staging, reduces them into its own output, and puts what comes out of a piece
// into the outputs of the others, while it gets the next one.
//
//   kDone  I have read everybody's input for my share, and what came out is in your output
//
// An output may be the rank's input: what is put there for share s goes over its input for s, which
// rank s alone reads, and has read by then.
#include <algorithm>
#include <cstring>

#include "channel/fetch_list.hpp"
#include "channel/lent_bytes.hpp"
#include "collectives/shares.hpp"
#include "collectives/two_shot.hpp"
#include "kernels/reduce.hpp"

namespace tutti {

namespace {

class CopiedReduction {
 public:
  CopiedReduction(const Operation& operation, const Request& request,
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
    for (const Rank reader : readers_) channel_.flush(reader, entries_[reader].recv.where);
    operation_.charge(LocalWork::sync());
    operation_.post_to_others(Phase::kDone);
    for (Rank peer = 0; peer < ranks_; ++peer) {
      if (peer != self_) operation_.await(peer, Phase::kDone);
    }
    operation_.charge(LocalWork::looks(static_cast<std::size_t>(ranks_) - 1));
  }

 private:
  // The bytes of a piece, all inputs together: what stays in a second-level cache until it is
  // reduced. 1 MiB on two ranks, us, by 64 KiB to 512 KiB: see docs/performance-tcp.md.
  static constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

  void reduce_own() {
    const Share share = shares_.of(self_);
    if (share.count == 0) return;
    for (int i = 1; i < ranks_; ++i) {
      const Rank peer = (self_ + i) % ranks_;
      if (shares_.needed_by(peer, self_)) readers_.push_back(peer);
    }
    const std::span<std::byte> staging = operation_.claim_staging();
    const auto others = static_cast<std::size_t>(ranks_) - 1;
    const std::size_t room = std::min(staging.size(), kPieceBytes) / others / size_;
    const std::size_t piece = std::max(room / 64 * 64, std::size_t{1});
    const bool receives = shares_.needed_by(self_, self_);
    if (!receives) kept_.make(share.count * size_);
    std::byte* const to = receives ? request_.recv + shares_.place(self_) * size_ : kept_.data();
    for (std::size_t done = 0; done < share.count; done += piece) {
      const std::size_t count = std::min(piece, share.count - done);
      reduce_piece(staging, share.first + done, count, to + done * size_);
      give({to + done * size_, count * size_}, (shares_.place(self_) + done) * size_);
    }
  }

  void give(std::span<const std::byte> result, std::size_t offset) {
    for (const Rank reader : readers_) {
      MemoryRef place = entries_[reader].recv;
      place.offset += offset;
      channel_.put(reader, place, result);
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

  const Operation& operation_;
  Channel& channel_;
  const Request& request_;
  PerRank<TwoShotEntry>& entries_;
  const std::span<const std::uint64_t> scales_;
  const Shares shares_;
  const Rank self_;
  const int ranks_;
  const std::size_t size_;
  LentBytes kept_;             // what comes out, where this rank does not need it
  std::vector<Rank> readers_;  // who else does
  FetchList fetched_;
};

}  // namespace

void two_shot_copied(const Operation& operation, const Request& request,
                     PerRank<TwoShotEntry>& entries, std::span<const std::uint64_t> scales) {
  CopiedReduction(operation, request, entries, scales).run();
}

}  // namespace tutti
