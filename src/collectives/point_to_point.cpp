#include "collectives/point_to_point.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "channel/fetch_list.hpp"
#include "collectives/message_trouble.hpp"
#include "collectives/pair_lines.hpp"
#include "collectives/selection.hpp"
#include "kernels/copy.hpp"
#include "kernels/shared_copy.hpp"

namespace tutti {

namespace {

using Direction = Message::Direction;
using Stage = Transfer::Stage;

// For reports: the peer, and in the lowest bit whether it sends.
std::string name_of_message(std::uint64_t message) {
  return fmt::format("a message {} rank {}", (message & 1) != 0 ? "from" : "to", message >> 1);
}

const char* name_of(MessageEntry::Way way) {
  using enum MessageEntry::Way;
  return way == kInline ? "inline" : way == kInPlace ? "in_place" : "staged";
}

}  // namespace

PointToPoint::PointToPoint(Channel& channel, Sequence first)
    : channel_(channel),
      first_(first),
      pipes_(channel.layout()),
      next_(std::make_unique<Counts[]>(channel.layout().ranks)) {
  std::fill_n(next_.get(), channel.layout().ranks, Counts{.sent = first, .received = first});
}

void PointToPoint::number(Message& message) {
  if (channel_.own_bell().alarm.load(std::memory_order_acquire) != 0) [[unlikely]] {
    channel_.check_usable();
  }
  Counts& next = next_[static_cast<std::size_t>(message.peer)];
  message.number = message.direction == Direction::kSend ? next.sent++ : next.received++;
}

// Drives transfers; the first open_ of them are not done.
class TransferLoop final : public WaitSubject {
 public:
  TransferLoop(PointToPoint& state, std::span<Transfer> transfers)
      : state_(state),
        channel_(state.channel_),
        lines_(channel_),
        transfers_(transfers),
        open_(transfers.size()) {}

  void run() {
    lend([this](const void* data, std::size_t bytes, bool written) {
      channel_.watch()->takes(data, bytes, written);
    });
    while (open_ != 0) {
      channel_.waiter().until(channel_.own_bell(), *this, [this] { return advance_all(); });
    }
    lend([this](const void* data, std::size_t bytes, bool written) {
      channel_.watch()->gives_back(data, bytes, written);
    });
  }

  void missing(std::vector<Rank>& ranks) const override {
    for (const Transfer& transfer : transfers_.first(open_)) ranks.push_back(transfer.message.peer);
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  }

  void check(const std::vector<Rank>&, const std::vector<Rank>& gone) const override {
    channel_.check_trouble({}, nullptr);
    for (const PeerState state : {PeerState::kDead, PeerState::kLeft}) {
      for (const Rank peer : gone) {
        if (channel_.transport().peer_state(peer) != state) continue;
        raise_gone(channel_, peer, state);
      }
    }
  }

  [[noreturn]] void expire(const std::vector<Rank>& missing, Nanoseconds waited) const override {
    raise_no_progress(channel_, transfers_.first(open_), missing, waited);
  }

 private:
  // The users' buffers, if somebody asks for them.
  template <typename Lent>
  void lend(const Lent& lent) {
    if (channel_.watch() == nullptr) [[likely]]
      return;
    for (const Transfer& t : transfers_) {
      const Message& m = t.message;
      enter(m);
      const bool received = m.direction == Direction::kReceive;
      lent(received ? m.recv : m.send, m.bytes, received);
    }
  }
  void enter(const Message& m) const {
    if (ChannelWatch* const watch = channel_.watch()) [[unlikely]] {
      watch->enters(
          {channel_.name(), m.number,
           static_cast<std::uint64_t>(m.peer) << 1 | (m.direction == Direction::kReceive ? 1 : 0),
           name_of_message});
    }
  }

  // One look at every open transfer; true when some moved.
  bool advance_all() {
    bool any = false;
    for (std::size_t i = 0; i < open_; ++i) {
      Transfer& transfer = transfers_[i];
      enter(transfer.message);
      any = (transfer.message.direction == Direction::kSend ? advance_send(transfer)
                                                            : advance_receive(transfer)) ||
            any;
    }
    if (channel_.reads_wait()) any = fetch_all() || any;
    for (std::size_t i = 0; i < open_;) {
      if (transfers_[i].stage == Stage::kDone) {
        std::swap(transfers_[i], transfers_[--open_]);
      } else {
        ++i;
      }
    }
    return any;
  }

  bool advance_send(Transfer& t) {
    switch (t.stage) {
      case Stage::kStart:
        if (!lines_.are_free(t.message, state_.first_)) return false;
        announce(t);
        return true;
      case Stage::kInPlace:
        if (!lines_.has(t.message, PairLine::kTaken, kAllSteps)) return false;
        t.stage = Stage::kDone;
        return true;
      case Stage::kUnwanted:
        return lines_.has(t.message, PairLine::kWanted) && open_pipe(t);
      default:
        return fill(t);
    }
  }

  void announce(Transfer& t) {
    const Message& m = t.message;
    MessageEntry entry;
    entry.bytes = m.bytes;
    entry.way = MessageEntry::Way::kStaged;
    t.stage = Stage::kUnwanted;
    if (m.bytes <= MessageEntry::kInlineBytes) {
      entry.way = MessageEntry::Way::kInline;
      if (m.bytes != 0 && channel_.moves(Read{m.send, m.bytes})) {
        std::memcpy(entry.data, m.send, m.bytes);
      }
      t.stage = Stage::kDone;
    } else if (const MemoryRef place = channel_.refer(m.send, m.bytes); can_read(m, place.where)) {
      entry.way = MessageEntry::Way::kInPlace;
      entry.place = place;
      t.stage = Stage::kInPlace;
    }
    t.way = name_of(entry.way);
    lines_.post(m, entry, 0);
  }

  bool can_read(const Message& m, MemoryRef::Where where) const {
    return channel_.in_view(m.peer, where) ||
           (m.bytes >= Selection::least_get_bytes() && channel_.copied_by_all(where));
  }

  bool open_pipe(Transfer& t) {
    const auto pipe = state_.pipes_.try_take();
    if (!pipe) return false;
    channel_.hears(&state_.pipes_);
    t.pipe = *pipe;
    t.pipe_offset = state_.pipes_.offset(*pipe);
    t.chunk_bytes = state_.pipes_.chunk_bytes();
    t.stage = Stage::kStaged;
    MessageEntry entry;
    entry.bytes = t.message.bytes;
    entry.way = MessageEntry::Way::kStaged;
    entry.pipe = {.offset = t.pipe_offset, .chunk_bytes = t.chunk_bytes};
    lines_.post(t.message, entry, PairLines::kPipeStep);
    return true;
  }

  bool fill(Transfer& t) {
    const Message& m = t.message;
    if (t.moved == m.bytes) {
      if (!lines_.has(m, PairLine::kTaken, kAllSteps)) return false;
      channel_.tells(&state_.pipes_);
      state_.pipes_.give_back(t.pipe);
      t.stage = Stage::kDone;
      return true;
    }
    constexpr unsigned kChunks = PairPipes::kChunks;
    if (t.chunks >= kChunks && !lines_.has(m, PairLine::kTaken, t.chunks - kChunks + 1))
      return false;
    const std::size_t bytes = std::min(t.chunk_bytes, m.bytes - t.moved);
    std::byte* staging = channel_.control().local().data() + channel_.layout().pair_stage_offset();
    std::byte* const chunk = staging + t.pipe_offset + (t.chunks % kChunks) * t.chunk_bytes;
    channel_.touches(Write{chunk, bytes});
    if (channel_.moves(Read{m.send + t.moved, bytes})) {
      kernels::SharedCopy(channel_.gauge(), bytes).copy(chunk, m.send + t.moved, bytes);
    }
    channel_.charge(LocalWork::copy(bytes));
    t.moved += bytes;
    ++t.chunks;
    lines_.post(m, PairLine::kReady, t.chunks);
    return true;
  }

  bool advance_receive(Transfer& t) {
    const Message& m = t.message;
    switch (t.stage) {
      case Stage::kStart:
        if (!lines_.has(m, PairLine::kEntry)) return false;
        accept(t);
        return true;
      case Stage::kUnpiped: {
        if (!lines_.has(m, PairLine::kEntry, PairLines::kPipeStep)) return false;
        const MessageEntry entry = lines_.entry(m);
        t.pipe_offset = entry.pipe.offset;
        t.chunk_bytes = entry.pipe.chunk_bytes;
        check_pipe(t);
        t.stage = Stage::kStaged;
        return true;
      }
      case Stage::kReadable:
        return false;
      default:
        return !channel_.reads_wait() && empty(t);
    }
  }

  void accept(Transfer& t) {
    const Message& m = t.message;
    const MessageEntry entry = lines_.entry(m);
    const std::uint64_t stamp = lines_.stamp(m);
    channel_.charge(LocalWork::looks(1));
    if (entry.bytes != m.bytes || stamp != m.fingerprint) [[unlikely]] {
      raise_unequal(channel_, m, stamp, entry.bytes);
    }
    t.way = name_of(entry.way);
    if (entry.way == MessageEntry::Way::kStaged) {
      t.stage = Stage::kUnpiped;
      lines_.post(m, PairLine::kWanted, 0);
      return;
    }
    if (entry.way == MessageEntry::Way::kInline) {
      if (m.bytes != 0 && channel_.moves(Write{m.recv, m.bytes})) {
        std::memcpy(m.recv, entry.data, m.bytes);
      }
    } else if (channel_.reads_wait()) {
      t.stage = Stage::kReadable;
      return;
    } else if (channel_.in_view(m.peer, entry.place.where)) {
      const std::byte* from = channel_.view(m.peer, entry.place, m.bytes);
      if (from != m.recv && channel_.moves(Read{from, m.bytes}, Write{m.recv, m.bytes})) {
        kernels::copy(m.recv, from, m.bytes);
      }
    } else {
      const Fetch fetch{m.peer, {m.recv, m.bytes}, entry.place.offset};
      channel_.get(entry.place.where, {&fetch, 1});
    }
    finish_receive(t);
  }

  bool has_chunk(const Transfer& t) const {
    return lines_.has(t.message, PairLine::kReady, t.chunks + 1);
  }
  // Where the next chunk goes, and where it lies in the sender's segment.
  Fetch chunk_of(const Transfer& t) const {
    const Message& m = t.message;
    return {.peer = m.peer,
            .destination = {m.recv + t.moved, std::min(t.chunk_bytes, m.bytes - t.moved)},
            .offset = channel_.layout().pair_stage_offset() + t.pipe_offset +
                      (t.chunks % PairPipes::kChunks) * t.chunk_bytes};
  }

  bool empty(Transfer& t) {
    if (!has_chunk(t)) return false;
    const Fetch chunk = chunk_of(t);
    const std::size_t bytes = chunk.destination.size();
    const auto from = channel_.control().view(chunk.peer, chunk.offset, bytes);
    channel_.touches(Read{from.data(), bytes});
    if (channel_.moves(Write{chunk.destination.data(), bytes})) {
      kernels::copy(chunk.destination.data(), from.data(), bytes);
    }
    took_chunk(t, bytes);
    return true;
  }

  void took_chunk(Transfer& t, std::size_t bytes) {
    t.moved += bytes;
    ++t.chunks;
    if (t.moved == t.message.bytes) {
      finish_receive(t);
    } else {
      lines_.post(t.message, PairLine::kTaken, t.chunks);
    }
  }

  // Where reads wait: everything that can be copied now is asked for together.
  bool fetch_all() {
    readable_.clear();
    chunks_.clear();
    const auto open = transfers_.first(open_);
    for (const Transfer& t : open) {
      const Message& m = t.message;
      if (m.direction != Direction::kReceive) continue;
      if (t.stage == Stage::kReadable) {
        const MemoryRef place = lines_.entry(m).place;
        readable_.add(place.where, {m.peer, {m.recv, m.bytes}, place.offset});
      } else if (t.stage == Stage::kStaged && has_chunk(t)) {
        chunks_.push_back(chunk_of(t));
      }
    }
    if (readable_.empty() && chunks_.empty()) return false;
    readable_.bring(channel_);
    if (!chunks_.empty()) channel_.get_control(chunks_);
    // Chunks that have come since were not asked for.
    auto chunk = chunks_.begin();
    for (Transfer& t : open) {
      if (t.message.direction != Direction::kReceive) continue;
      if (t.stage == Stage::kReadable) {
        finish_receive(t);
      } else if (t.stage == Stage::kStaged && chunk != chunks_.end() &&
                 chunk->destination.data() == t.message.recv + t.moved) {
        took_chunk(t, (chunk++)->destination.size());
      }
    }
    return true;
  }

  void finish_receive(Transfer& t) {
    if (ChannelWatch* const watch = channel_.watch()) [[unlikely]] {
      enter(t.message);
      watch->leaves();
    }
    lines_.post(t.message, PairLine::kTaken, kAllSteps);
    t.stage = Stage::kDone;
  }

  // What a peer says is checked before it is used.
  void check_pipe(const Transfer& t) const {
    const std::size_t size = channel_.layout().pair_stage_bytes;
    const std::size_t most = size / PairPipes::kChunks;
    if (t.chunk_bytes != 0 && t.chunk_bytes <= most &&
        t.pipe_offset <= size - PairPipes::kChunks * t.chunk_bytes) {
      return;
    }
    channel_.raise(Error(tuttiInternalError,
                         fmt::format("rank {} announced a pipe beyond its staging", t.message.peer),
                         {t.message.peer}));
  }

  PointToPoint& state_;
  Channel& channel_;
  PairLines lines_;
  std::span<Transfer> transfers_;
  std::size_t open_;
  FetchList readable_;  // of fetch_all(), as chunks_
  std::vector<Fetch> chunks_;
};

void PointToPoint::run(std::span<Transfer> transfers) {
  if (!transfers.empty()) channel_.charge(LocalWork::entry());
  TransferLoop(*this, transfers).run();
}

}  // namespace tutti
