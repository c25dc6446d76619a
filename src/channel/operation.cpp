#include "channel/operation.hpp"

#include <fmt/format.h>

namespace tutti {

void Operation::await_mark(Rank source, Phase phase, unsigned step, const SyncPlace& place) const {
  wait_until([&] { return has(source, phase, step, place.where); },
             [&](std::vector<Rank>& ranks) {
               if (lacks(source, phase, step)) ranks.push_back(source);
             });
}

std::span<std::byte> Operation::claim_staging(const std::source_location& where) const {
  await_credits({.where = where});
  const ControlLayout& layout = channel_->layout();
  return channel_->control().local().subspan(layout.slot_offset(slot_), layout.slot_bytes);
}

std::span<std::byte> Operation::claim_common() const {
  await_credits({});
  const ControlLayout& layout = channel_->layout();
  return channel_->control().reach(0, layout.slot_offset(slot_), layout.slot_bytes);
}

void Operation::await_credits(const SyncPlace& place) const {
  Channel& channel = *channel_;
  if (channel.has_everyones_credit(sequence_)) return;
  for (Rank peer = 0; peer < ranks(); ++peer) {
    if (peer != rank() && !channel.has_credit(peer, sequence_)) [[unlikely]] {
      if (!channel.leaves_out(Sync::kCredit, place)) channel.await_credit(peer, *this);
    }
  }
}

std::size_t Operation::in_slot(Rank peer, std::size_t offset, std::size_t bytes) const {
  const ControlLayout& layout = channel_->layout();
  if (offset > layout.slot_bytes || bytes > layout.slot_bytes - offset) [[unlikely]] {
    channel_->raise(Error(tuttiInternalError,
                          fmt::format("rank {} announced staging beyond its slot", peer), {peer}));
  }
  return layout.slot_offset(slot_) + offset;
}

void Operation::put_staging(Rank peer, std::size_t offset,
                            std::span<const std::byte> source) const {
  const Piece piece{.source = source, .offset = in_slot(peer, offset, source.size())};
  while (!channel_->control().put(peer, {&piece, 1})) {
    channel_->check_usable();
    channel_->transport().progress();
  }
}

void Operation::view_staging(std::span<View> pieces) const {
  for (View& piece : pieces) piece.offset = in_slot(piece.peer, piece.offset, piece.bytes);
  channel_->opened([&] { channel_->control().view(pieces); });
}

void Operation::get_staging(std::span<Fetch> pieces) const {
  for (Fetch& piece : pieces) {
    piece.offset = in_slot(piece.peer, piece.offset, piece.destination.size());
  }
  channel_->get_control(pieces);
}

bool Operation::arrive(LineContent& content, Round round) const {
  Channel& channel = *channel_;
  // The lines of all ranks lie side by side on rank 0: who arrives last reads a few pages, the same
  // for every rank that is last, and not one in each segment. The counter's release and acquire
  // order the two.
  const LineId line = channel.layout().arrival_line(slot_, round, rank());
  if (rank() == 0) {  // no credit of one's own is needed: begin() has waited for the slot
    content.stamp = fingerprint_ | channel.completed() << kFingerprintBits;
    channel.control().post(0, line, line_value(sequence_), content);
  } else {
    post_line(0, line, content, 0, {});
  }
  const std::uint64_t target = ++channel.assemblies_[ControlLayout::assembly(slot_, round)] *
                               static_cast<std::uint64_t>(channel.ranks());
  return channel.control().fetch_add(0, channel.layout().counter_offset(slot_, round), 1) + 1 ==
         target;
}

const Line& Operation::arrival_of(Rank peer, Round round) const noexcept {
  return channel_->control().lines(0)[channel_->layout().arrival_line(slot_, round, peer)];
}

const Line& Operation::brought(Rank peer) const {
  const Line& line = arrival_of(peer, Round::kFirst);
  accept(peer, line);
  return line;
}

void Operation::publish(LineContent& content, Round round) const {
  Channel& channel = *channel_;
  Sequence floor = channel.completed();
  for (Rank peer = 0; peer < ranks(); ++peer) {
    // Acquire pairs with the release in learn(), maybe on another stream's thread: who takes the
    // floor from the published line writes where the peer has read.
    const Sequence known =
        channel.credits_[static_cast<std::size_t>(peer)].known.load(std::memory_order_acquire);
    if (peer != rank() && static_cast<std::int64_t>(known - floor) < 0) floor = known;
  }
  content.stamp = fingerprint_ | floor << kFingerprintBits;
  channel.control().post_all(channel.layout().result_line(slot_, round), line_value(sequence_),
                             content);
  channel.raise_floor(floor);
}

const Line& Operation::published_line(Round round) const noexcept {
  return channel_->control().lines(0)[channel_->layout().result_line(slot_, round)];
}

const Line& Operation::await_published(Round round) const {
  const Line& line = published_line(round);
  const std::uint64_t want = line_value(sequence_);
  wait_on(
      channel_->shared_bell(),
      [&] { return reached(line.value.load(std::memory_order_acquire), want); },
      [&](std::vector<Rank>& ranks_missing) {
        for (Rank peer = 0; peer < ranks(); ++peer) {
          if (!reached(arrival_of(peer, round).value.load(std::memory_order_acquire), want))
            ranks_missing.push_back(peer);
        }
        // Everybody is here: the last to arrive still works on the result, or died doing so.
        if (ranks_missing.empty()) {
          for (Rank peer = 0; peer < ranks(); ++peer) {
            if (peer != rank()) ranks_missing.push_back(peer);
          }
        }
      });
  accept(rank(), line);
  channel_->raise_floor(
      extend_sequence(static_cast<std::uint16_t>(line.stamp >> kFingerprintBits), sequence_));
  return line;
}

}  // namespace tutti
