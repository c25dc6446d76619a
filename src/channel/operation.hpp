// One issued operation on a channel: its lines, its staging, its waits. A value of a few words; the
// thread that runs the operation holds it and calls finish() last.
#pragma once

#include <source_location>
#include <span>
#include <utility>

#include "channel/channel.hpp"

namespace tutti {

class Operation {
 public:
  Operation(Channel& channel, Sequence sequence, std::uint64_t fingerprint)
      : channel_(&channel),
        sequence_(sequence),
        fingerprint_(fingerprint),
        slot_(static_cast<unsigned>(sequence & (channel.layout().depth - 1))) {}

  Channel& channel() const noexcept { return *channel_; }
  Sequence sequence() const noexcept { return sequence_; }
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }
  Rank rank() const noexcept { return channel_->rank(); }
  int ranks() const noexcept { return channel_->ranks(); }

  void charge(const LocalWork& work) const { channel_->charge(work); }

  // What the calling fibre does from now on belongs to this operation.
  void enter() const {
    if (ChannelWatch* const watch = channel_->watch()) [[unlikely]]
      watch->enters({channel_->name(), sequence_, fingerprint_, describe_fingerprint});
  }
  // The user's buffer, from here to give_back(); `written` by the operation.
  void take(const void* data, std::size_t bytes, bool written) const {
    if (ChannelWatch* const watch = channel_->watch()) [[unlikely]]
      watch->takes(data, bytes, written);
  }
  void give_back(const void* data, std::size_t bytes, bool written) const {
    if (ChannelWatch* const watch = channel_->watch()) [[unlikely]]
      watch->gives_back(data, bytes, written);
  }

  // Raises a mark at `peer`, with 48 bytes. Waits for the peer's credit if it is a whole depth
  // behind. Stepped marks carry no content that is read: the next step may overwrite it.
  void post(Rank peer, Phase phase, LineContent& content, unsigned step = 0,
            const std::source_location& where = std::source_location::current()) const {
    if (channel_->leaves_out(Sync::kPost, {where, mark_of(phase)})) return;
    post_line(peer, line_id(phase, rank()), content, step, {where, mark_of(phase)});
  }
  void post(Rank peer, Phase phase, unsigned step = 0,
            const std::source_location& where = std::source_location::current()) const {
    LineContent content;
    post(peer, phase, content, step, where);
  }

  // Channel::post_together.
  template <typename Loop>
  void post_together(Loop&& loop) const {
    channel_->post_together(std::forward<Loop>(loop));
  }
  // The same mark at every other rank, the next one first.
  void post_to_others(Phase phase, LineContent& content, unsigned step = 0,
                      const std::source_location& where = std::source_location::current()) const {
    post_together([&] {
      for (int i = 1; i < ranks(); ++i) post((rank() + i) % ranks(), phase, content, step, where);
    });
  }
  void post_to_others(Phase phase, unsigned step = 0,
                      const std::source_location& where = std::source_location::current()) const {
    LineContent content;
    post_to_others(phase, content, step, where);
  }

  // Waits for a peer's unstepped mark and checks that it means the same operation.
  void await(Rank source, Phase phase,
             const std::source_location& where = std::source_location::current()) const {
    const SyncPlace place{where, mark_of(phase)};
    const LineId id = line_id(phase, source);
    if (!channel_->shows(id, line_value(sequence_), place)) [[unlikely]] {
      await_mark(source, phase, 0, place);
    }
    accept(source, channel_->lines_[id], &place);
  }
  // The same, and returns the line; its content stays until this operation finishes.
  const Line& wait(Rank source, Phase phase,
                   const std::source_location& where = std::source_location::current()) const {
    await(source, phase, where);
    return content_of(source, phase);
  }
  // Has the peer's mark reached `step`? Then everything that it did before is visible.
  bool has(Rank source, Phase phase, unsigned step = 0,
           const std::source_location& where = std::source_location::current()) const {
    return channel_->shows(line_id(phase, source), line_value(sequence_, step),
                           {where, mark_of(phase)});
  }
  // The same for who only says what it waits for.
  bool lacks(Rank source, Phase phase, unsigned step = 0) const noexcept {
    const Line& line = channel_->own_line(line_id(phase, source));
    return !reached(line.value.load(std::memory_order_acquire), line_value(sequence_, step));
  }
  void wait_step(Rank source, Phase phase, unsigned step,
                 const std::source_location& where = std::source_location::current()) const {
    if (!has(source, phase, step, where)) await_mark(source, phase, step, {where, mark_of(phase)});
  }
  // The line of a mark that has() or await() reported, checked as wait() does.
  const Line& line(Rank source, Phase phase) const {
    const Line& line = content_of(source, phase);
    accept(source, line);
    return line;
  }

  // Waits until ready(); missing(ranks) appends whom it waits for.
  template <typename Ready, typename Missing>
  void wait_until(Ready&& ready, Missing&& missing) const {
    wait_on(channel_->own_bell(), std::forward<Ready>(ready), std::forward<Missing>(missing));
  }

  // This operation's staging in this rank's segment, free to be overwritten: waits until no peer
  // reads what the slot's previous operation left there.
  std::span<std::byte> claim_staging(
      const std::source_location& where = std::source_location::current()) const;
  // The same of rank 0's staging, in which all ranks may write (Access::shared_words). The
  // algorithm says which part is whose.
  std::span<std::byte> claim_common() const;
  // Copies to a peer's staging of this operation, which claim_staging() has found free: third ranks
  // may have read there. The source is free when the peer has told of something that it did later.
  void put_staging(Rank peer, std::size_t offset, std::span<const std::byte> source) const;
  // Returns when the sources of this rank's puts to `peer` may change.
  void flush_staging(Rank peer) const { channel_->flush_control(peer); }
  // Peers' staging of this operation: offsets, which they announced in lines, are within the slot.
  // A view's `offset` is one in the segment afterwards.
  void view_staging(std::span<View> pieces) const;
  const std::byte* view_staging(Rank peer, std::size_t offset, std::size_t bytes) const {
    View piece{.peer = peer, .offset = offset, .bytes = bytes, .data = nullptr};
    view_staging({&piece, 1});
    return piece.data;
  }
  void get_staging(std::span<Fetch> pieces) const;

  // What this rank tells of itself to ranks that hear of it through others.
  Sequence completed() const noexcept { return channel_->completed(); }
  // Every rank of the communicator had completed everything below `floor` when it came to this
  // operation; all that complete it learn the same.
  void learn_floor(Sequence floor) const {
    // On other streams' threads this may come later than it is needed (Channel::tell_credits).
    if (!channel_->concurrent_) channel_->raise_floor(floor);
  }

  // An assembly: every rank arrives; who arrives last is told so, looks at what all ranks brought
  // (brought(r): the line that rank r posted to rank 0), and publishes one line that all
  // read. Needs Access::shared_words. One system call wakes everybody. Who has seen the first
  // round published may look at what the others brought, until the operation finishes.
  bool arrive(LineContent& content, Round round = Round::kFirst) const;
  const Line& brought(Rank rank) const;
  void publish(LineContent& content, Round round = Round::kFirst) const;
  const Line& await_published(Round round = Round::kFirst) const;

  // For an operation that ends without a line from every peer: looks at what has arrived, and again
  // when the slot is used next, whether somebody meant another operation.
  void look_for_strangers() const {
    channel_->check_entries(*this);
    channel_->unheard_[slot_] = {sequence_, fingerprint_};
  }

  // The operation is complete on this rank: no peer's memory is read or written for it any more.
  void finish() const {
    if (ChannelWatch* const watch = channel_->watch()) [[unlikely]] {
      enter();
      watch->leaves();
    }
    channel_->finish(sequence_);
  }

  std::string describe() const { return describe_fingerprint(fingerprint_); }

 private:
  friend class Channel;

  LineId line_id(Phase phase, Rank source) const noexcept {
    return channel_->layout().operation_line(slot_, phase, source);
  }
  static constexpr unsigned mark_of(Phase phase) noexcept { return static_cast<unsigned>(phase); }

  void post_line(Rank peer, LineId line, LineContent& content, unsigned step,
                 const SyncPlace& place) const {
    if (!channel_->has_credit(peer, sequence_)) [[unlikely]] {
      if (!channel_->leaves_out(Sync::kCredit, place)) channel_->await_credit(peer, *this);
    }
    const Sequence completed = channel_->completed();
    content.stamp = fingerprint_ | completed << kFingerprintBits;
    // A stepped mark's stamp is not read; and where operations overtake each other, a line may be
    // read later than the credit in it is needed. Then credit lines tell.
    if (step == 0 && !channel_->concurrent_) [[likely]] {
      channel_->credits_[static_cast<std::size_t>(peer)].told.store(completed,
                                                                    std::memory_order_relaxed);
    }
    channel_->control().post(peer, line, line_value(sequence_, step), content);
  }
  const Line& content_of(Rank source, Phase phase) const {
    const Line& line = channel_->own_line(line_id(phase, source));
    if (ChannelWatch* const watch = channel_->watch()) [[unlikely]]
      watch->uses_content(line);
    return line;
  }
  // `awaited`: by a wait that a test may have left out, and then the line may be any.
  void accept(Rank source, const Line& line, const SyncPlace* awaited = nullptr) const {
    if (((line.stamp ^ fingerprint_) & kFingerprintMask) != 0) [[unlikely]] {
      if (awaited != nullptr && channel_->leaves_out(Sync::kWait, *awaited)) return;
      channel_->raise_mismatch(*this);
    }
    channel_->learn(
        source,
        extend_sequence(static_cast<std::uint16_t>(line.stamp >> kFingerprintBits), sequence_));
  }
  void await_mark(Rank source, Phase phase, unsigned step, const SyncPlace& place) const;
  std::size_t in_slot(Rank peer, std::size_t offset, std::size_t bytes) const;
  const Line& arrival_of(Rank peer, Round round) const noexcept;
  void await_credits(const SyncPlace& place) const;
  const Line& published_line(Round round) const noexcept;

  template <typename Missing>
  class Subject final : public WaitSubject {
   public:
    Subject(const Operation& operation, Missing& missing)
        : operation_(operation), missing_(missing) {}
    void missing(std::vector<Rank>& ranks) const override { missing_(ranks); }
    void check(const std::vector<Rank>&, const std::vector<Rank>& gone) const override {
      operation_.channel().check_trouble(gone, &operation_);
    }
    void expire(const std::vector<Rank>& ranks, Nanoseconds waited) const override {
      operation_.expire(ranks, waited);
    }

   private:
    const Operation& operation_;
    Missing& missing_;
  };

  template <typename Ready, typename Missing>
  void wait_on(Doorbell& bell, Ready&& ready, Missing&& missing) const {
    const Subject<std::remove_reference_t<Missing>> subject(*this, missing);
    channel_->waiter().until(bell, subject, ready);
  }
  [[noreturn]] void expire(const std::vector<Rank>& missing, Nanoseconds waited) const;

  Channel* channel_;
  Sequence sequence_;
  std::uint64_t fingerprint_;
  unsigned slot_;
};

}  // namespace tutti
