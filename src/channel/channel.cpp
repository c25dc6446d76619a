#include "channel/channel.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "channel/operation.hpp"
#include "channel/rank_list.hpp"
#include "memory/heap.hpp"

namespace tutti {

namespace {

std::size_t index(Rank rank) { return static_cast<std::size_t>(rank); }

class Counted {
 public:
  explicit Counted(std::atomic<int>& count) : count_(count) {
    count_.fetch_add(1, std::memory_order_seq_cst);
  }
  ~Counted() { count_.fetch_sub(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<int>& count_;
};

// Waits that belong to the channel itself: for a credit, for a slot.
class ChannelSubject final : public WaitSubject {
 public:
  ChannelSubject(Channel& channel, Sequence sequence, std::vector<Rank> peers)
      : channel_(channel), sequence_(sequence), peers_(std::move(peers)) {}
  void missing(std::vector<Rank>& ranks) const override { ranks = peers_; }
  void check(const std::vector<Rank>&, const std::vector<Rank>& gone) const override {
    channel_.check_trouble(gone, nullptr);
  }
  void expire(const std::vector<Rank>& ranks, Nanoseconds waited) const override {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(waited).count();
    channel_.raise(
        Error(tuttiTimeout,
              fmt::format("operation {} on \"{}\" had no free slot after {} ms: {} still "
                          "in operation {}",
                          sequence_, channel_.name(), ms,
                          ranks.empty() ? "this rank is" : named(ranks) + " may be",
                          sequence_ - channel_.layout().depth),
              ranks));
  }

 private:
  Channel& channel_;
  Sequence sequence_;
  std::vector<Rank> peers_;
};

}  // namespace

Channel::Channel(Transport& transport, ChannelWindows windows, Rank rank, ChannelOptions options)
    : transport_(transport),
      windows_(std::move(windows)),
      layout_(windows_.layout),
      rank_(rank),
      options_(std::move(options)),
      heap_(Heap::of_this_process()),
      hollow_(Heap::hollow()),
      watch_(transport.watch()),
      plain_(hollow_ == nullptr && watch_ == nullptr),
      lines_(reinterpret_cast<const Line*>(windows_.control->local().data())),
      own_bell_(
          reinterpret_cast<Doorbell*>(windows_.control->local().data() + ControlLayout::kOwnBell)),
      waiter_(transport, *own_bell_, options_.limits),
      charges_(transport.charges()),
      settles_(transport.settles()),
      issued_(options_.first_sequence),
      credits_(std::make_unique<PeerCredit[]>(layout_.ranks)),
      unheard_(std::make_unique<Unheard[]>(layout_.depth)),
      assemblies_(std::make_unique<std::uint64_t[]>(std::size_t{layout_.depth} * kRounds)),
      completed_(options_.first_sequence),
      swept_(options_.first_sequence),
      floor_(options_.first_sequence),
      finished_(std::make_unique<std::atomic<Sequence>[]>(layout_.depth)) {
  all_viewable_ = options_.in_place;
  one_process_ = options_.in_place;
  all_get_ = options_.in_place;
  all_put_ = options_.in_place;
  const auto shared = windows_.control->reach(0, ControlLayout::kSharedBell, sizeof(Doorbell));
  shared_bell_ = shared.empty() ? own_bell_ : reinterpret_cast<Doorbell*>(shared.data());
  for (Rank peer = 0; peer < ranks(); ++peer) {
    const Access access = transport_.access(peer);
    all_viewable_ = all_viewable_ && access.views && access.stores;
    all_get_ = all_get_ && access.gets;
    all_put_ = all_put_ && access.puts;
    reads_wait_ = reads_wait_ || access.reads_wait;
    views_are_copies_ = views_are_copies_ || access.needs_progress;
    one_process_ = one_process_ && transport_.path(peer).hop_class <= 1;
    credits_[index(peer)].known.store(options_.first_sequence, std::memory_order_relaxed);
    credits_[index(peer)].told.store(options_.first_sequence, std::memory_order_relaxed);
  }
  for (unsigned slot = 0; slot < layout_.depth; ++slot) {
    finished_[slot].store(options_.first_sequence, std::memory_order_relaxed);
  }
  if (options_.first_sequence != 1) {
    // Zeroed lines read as "before sequence 1"; any other start needs them set, but for set-up
    // lines, which have no sequence. No peer posts before the set-up's last all-gather.
    auto* lines = reinterpret_cast<Line*>(windows_.control->local().data());
    const auto set = [lines](LineId first, LineId count, std::uint64_t value) {
      for (LineId id = first; id < first + count; ++id) {
        lines[id].value.store(value, std::memory_order_relaxed);
      }
    };
    const std::uint64_t before = options_.first_sequence - 1;
    for (Rank source = 0; source < ranks(); ++source) {
      set(layout_.credit_line(source), 1, options_.first_sequence);
      for (unsigned line = 0; line < kPairDepth * kPairLines; ++line) {
        set(layout_.pair_line(line / kPairLines, static_cast<PairLine>(line % kPairLines), source),
            1, pair_value(before));
      }
      for (unsigned line = 0; line < layout_.depth * kPhases; ++line) {
        set(layout_.operation_line(line / kPhases, static_cast<Phase>(line % kPhases), source), 1,
            line_value(before));
      }
    }
    set(layout_.arrival_line(0, Round::kFirst, 0), layout_.depth * kRounds * layout_.ranks,
        line_value(before));
    set(layout_.result_line(0, Round::kFirst), layout_.depth * kRounds, line_value(before));
  }
}

Operation Channel::begin(const OperationShape& shape) {
  if (own_bell().alarm.load(std::memory_order_acquire) != 0) [[unlikely]]
    check_usable();
  const Sequence sequence = issued_;
  if (static_cast<std::int64_t>(completed() + layout_.depth - sequence) <= 0) [[unlikely]] {
    if (!leaves_out(Sync::kCredit, {std::source_location::current()})) await_slot(sequence);
  }
  hears(this);
  const Unheard unheard = unheard_[sequence & (layout_.depth - 1)];
  if (unheard.sequence != 0 && unheard.sequence + layout_.depth == sequence) [[unlikely]] {
    check_entries(Operation(*this, unheard.sequence, unheard.fingerprint));
  }
  issued_ = sequence + 1;
  return Operation(*this, sequence, fingerprint_of(shape));
}

void Channel::await_slot(Sequence sequence) {
  const ChannelSubject subject(*this, sequence, {});
  // Before the look below: either that sees what another thread completes, or the thread sees this.
  const Counted waiting(waiting_);
  waiter_.until(*own_bell_, subject, [this, sequence] {
    return static_cast<std::int64_t>(completed() + layout_.depth - sequence) > 0;
  });
}

// Also where the value is there: what a test leaves out is not looked at.
bool Channel::looks_at(const Line& line, std::uint64_t want, const SyncPlace& place,
                       Sync sync) const {
  settle();
  bool there = reached(line.value.load(std::memory_order_acquire), want);
  if (watch_->leaves_out(sync, place)) return true;
  // Something that was posted there once, whatever operation that was.
  if (!there && line.value.load(std::memory_order_acquire) != 0) {
    there = watch_->leaves_out(Sync::kEpoch, place);
  }
  if (there) watch_->acquired(line);
  return there;
}

void Channel::await_credit(Rank peer, const Operation& operation) {
  if (settles_) control().end_posts();
  const Sequence sequence = operation.sequence();
  const Line& line = own_line(layout_.credit_line(peer));
  const ChannelSubject subject(*this, sequence, {peer});
  waiter_.until(*own_bell_, subject, [&] {
    learn(peer, floor_.load(std::memory_order_acquire));
    // Pairs with the release in Window::post of tell_credits.
    const Sequence told = line.value.load(std::memory_order_acquire);
    if (watch_ != nullptr) [[unlikely]]
      watch_->acquired(line);
    learn(peer, told);
    return has_credit(peer, sequence);
  });
}

void Channel::finish_concurrently(Sequence sequence) {
  tells(this);
  const Sequence mask = layout_.depth - 1;
  finished_[sequence & mask].store(sequence + 1, std::memory_order_seq_cst);
  Sequence done = completed_.load(std::memory_order_seq_cst);
  while (finished_[done & mask].load(std::memory_order_seq_cst) == done + 1) {
    if (completed_.compare_exchange_weak(done, done + 1, std::memory_order_seq_cst)) ++done;
  }
  if (waiting_.load(std::memory_order_seq_cst) != 0) wake_waiting();
  if (done - swept_.load(std::memory_order_relaxed) < layout_.depth / 4) return;
  // One teller at a time, of what is complete by then: a credit line must never go back.
  const std::lock_guard lock(telling_);
  done = completed();
  if (done - swept_.load(std::memory_order_relaxed) >= layout_.depth / 4) tell_credits(done);
}

// No peer's line tells a thread of this rank that another one has freed a slot. The credit line to
// itself means nothing but rings the bell.
void Channel::wake_waiting() {
  if (leaves_out(Sync::kPost, {std::source_location::current()})) return;
  const std::lock_guard lock(telling_);
  control().post(rank_, layout_.credit_line(rank_), completed(), LineContent{});
}

void Channel::tell_credits(Sequence completed) {
  swept_.store(completed, std::memory_order_relaxed);
  const Sequence lag = concurrent_ ? layout_.depth / 4 : layout_.depth / 2;
  const Sequence floor = floor_.load(std::memory_order_relaxed);
  // Everybody knows from an assembly's result: nothing to look up for each peer.
  if (static_cast<std::int64_t>(completed - floor) < static_cast<std::int64_t>(lag)) return;
  post_together([&] {
    for (Rank peer = 0; peer < ranks(); ++peer) {
      auto& told = credits_[index(peer)].told;
      const Sequence before = std::max(told.load(std::memory_order_relaxed), floor);
      if (peer == rank_ || completed - before < lag) continue;
      told.store(completed, std::memory_order_relaxed);
      if (leaves_out(Sync::kPost, {std::source_location::current()})) continue;
      control().post(peer, layout_.credit_line(rank_), completed, LineContent{});
    }
  });
}

MemoryRef Channel::refer(const void* p, std::size_t bytes) const noexcept {
  if (const auto offset = heap_.offset_of(p, bytes)) return {MemoryRef::Where::kHeap, *offset};
  if (hollow_ != nullptr && hollow_->contains(p, bytes)) [[unlikely]] {
    // Peers that share the process's heap share the hollow one: counted from the same base.
    return {MemoryRef::Where::kHeap,
            reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(heap_.base())};
  }
  return {MemoryRef::Where::kProcess, reinterpret_cast<std::uintptr_t>(p)};
}

bool Channel::in_view(Rank peer, MemoryRef::Where where) const noexcept {
  return where == MemoryRef::Where::kHeap ? transport_.access(peer).views
                                          : transport_.path(peer).hop_class <= 1;
}

void Channel::view(MemoryRef::Where where, std::span<View> pieces) {
  opened([&] { window(where).view(pieces); });
  for (const View& piece : pieces) {
    if (piece.data == nullptr && piece.bytes != 0) [[unlikely]] {
      raise_absent(where, piece);
    }
  }
}

void Channel::raise_absent(MemoryRef::Where where, const View& piece) {
  raise(Error(tuttiInternalError,
              fmt::format("rank {} announced {} bytes at offset {} of its {}, which are not there",
                          piece.peer, piece.bytes, piece.offset,
                          where == MemoryRef::Where::kHeap ? "heap" : "process"),
              {piece.peer}));
}

void Channel::get(MemoryRef::Where where, std::span<const Fetch> pieces) {
  opened([&] { window(where).get(pieces); });
}

void Channel::get_control(std::span<const Fetch> pieces) {
  opened([&] { control().get(pieces); });
}

void Channel::put(Rank peer, MemoryRef ref, std::span<const std::byte> source) {
  const Piece piece{.source = source, .offset = ref.offset};
  while (!opened([&] { return window(ref.where).put(peer, {&piece, 1}); })) {
    check_usable();
    transport_.progress();
  }
}

std::byte* Channel::reach(Rank peer, MemoryRef ref, std::size_t bytes) {
  const auto found = opened([&] { return window(ref.where).reach(peer, ref.offset, bytes); });
  if (found.empty() && bytes != 0) {
    raise(Error(tuttiInternalError,
                fmt::format("rank {} offered {} bytes at offset {}, which are not there", peer,
                            bytes, ref.offset),
                {peer}));
  }
  return found.data();
}

}  // namespace tutti
