// A channel: the windows of one communicator (or MoE group) and the bookkeeping of its operations -
// sequence numbers, slots, credits, trouble. Operation (operation.hpp) is what algorithms hold.
//
// Slots and credits. Operation s uses slot s mod depth on every rank. Lines are never cleared; a
// value grows with the sequence. A rank may write into a peer's slot, or over its own staging
// there, only when the slot's previous operation, s - depth, is complete on the rank that reads it.
// `completed` counts that: every operation below it is done here.
//
// Who tells whom. After every depth / 4 completed operations a rank looks whom it has told too
// little, and posts these a credit line. Too little is a lag of
//   depth / 2  while operations run one at a time: then `completed` travels in the stamp of every
//              unstepped line too, which the peer reads before it completes that operation;
//   depth / 4  once the channel is concurrent: lines may be read long after the credit in them is
//              needed, so only credit lines count, and the floor of an assembly, which nobody can
//              hold back from a rank that has arrived.
// The last completions of a rank are not followed by another look, so a peer may know of up to
// lag + depth / 4 - 2 operations less than are complete.
//
// Why nobody waits for ever. Let x be the oldest operation that is not complete on every rank.
// Everything below it is complete, so at most that many operations below x are not known to be. One
// at a time there is credit for x itself: each rank that calls it completes it. On a concurrent
// channel there is credit for every operation up to x + ahead(): no line of x, and none that a rank
// that goes on posts before x + ahead() + 1, is held back. So x completes if each rank can complete
// it without beginning one beyond that first. Streams do: an operation there waits only for itself
// and those before it on its stream. Who leaves operations open while it goes on (moe::Plan) closes
// x before it begins x + ahead().
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tutti/transport.hpp>
#include <vector>

#include "base/cache_gauge.hpp"
#include "base/channel_watch.hpp"
#include "base/condition.hpp"
#include "channel/fingerprint.hpp"
#include "channel/layout.hpp"
#include "channel/posts.hpp"
#include "channel/sequence.hpp"
#include "channel/waiter.hpp"
#include "memory/heap.hpp"

namespace tutti {

class Operation;

// Where a buffer lies as peers see it.
struct MemoryRef {
  enum class Where : std::uint64_t { kHeap, kProcess };
  Where where;
  std::uint64_t offset;
};

struct ChannelOptions {
  std::string name;
  WaitLimits limits;
  bool in_place = true;         // false: no buffer is read in place, all go through staging
  Sequence first_sequence = 1;  // anything but 1 is for tests of the wrap
};

// The windows of a channel; opened by the communicator, collectively.
struct ChannelWindows {
  ControlLayout layout;
  std::unique_ptr<ControlWindow> control;
  std::unique_ptr<Window> heap;
  std::unique_ptr<Window> process;
};

class Channel {
 public:
  // `transport` outlives the channel: both are members of one Communicator, declared in this order.
  Channel(Transport& transport, ChannelWindows windows, Rank rank, ChannelOptions options);

  Rank rank() const noexcept { return rank_; }
  int ranks() const noexcept { return static_cast<int>(layout_.ranks); }
  const std::string& name() const noexcept { return options_.name; }
  const ControlLayout& layout() const noexcept { return layout_; }
  Transport& transport() noexcept { return transport_; }
  Waiter& waiter() noexcept { return waiter_; }
  ControlWindow& control() noexcept { return *windows_.control; }
  // For what this rank writes into memory that peers read.
  CacheGauge& gauge() noexcept { return gauge_; }
  // Does the gauge say far? In virtual time nothing depends on what the machine is like.
  bool caches_far() const noexcept {
    return transport_.waiting() != Waiting::kPark && gauge_.far(ticks());
  }

  // Issues the next operation: the caller's thread, in the communicator's issue order. Waits for a
  // free slot; throws when the communicator has failed.
  Operation begin(const OperationShape& shape);

  // From the next begin() on, operations may finish on several threads, and out of order. In a
  // Call; what comes after it on other threads happens after it.
  void become_concurrent() {
    if (concurrent_) return;
    concurrent_ = true;  // written once: other threads read it later
    tell_credits(completed());
  }
  // A rank may be this many operations ahead of any other without waiting for it.
  Sequence ahead() const noexcept { return layout_.depth / 2; }
  // What the next begin() issues. In a Call.
  Sequence next() const noexcept { return issued_; }

  // How peers find [p, p + bytes): kProcess is of use to ranks of this process only.
  MemoryRef refer(const void* p, std::size_t bytes) const noexcept;
  // Said of what the library is about to copy or add up, each a Read, a Write, or several of a size
  // (Reads, Writes). Does it do that? Not if one of them is hollow (Heap::hollow): who would leaves
  // it, and charges it all the same.
  template <typename... Places>
  bool moves(Places... places) const {
    if (plain_) [[likely]]
      return true;
    if (watch_ != nullptr) (note(places), ...);
    return hollow_ == nullptr || !(is_hollow(places) || ...);
  }
  // The same of what is never hollow.
  template <typename... Places>
  void touches(Places... places) const {
    if (watch_ != nullptr) [[unlikely]]
      (note(places), ...);
  }
  // Who is told of that, and of lines; nullptr: nobody.
  ChannelWatch* watch() const noexcept { return watch_; }
  // Order among the streams of this rank: who hears is behind who has told.
  void tells(const void* object) const {
    if (watch_ != nullptr) [[unlikely]]
      watch_->tells(object);
  }
  void hears(const void* object) const {
    if (watch_ != nullptr) [[unlikely]]
      watch_->hears(object);
  }
  // Can every rank read and write in place what refer() answered?
  bool reached_by_all(MemoryRef::Where where) const noexcept {
    return where == MemoryRef::Where::kHeap ? all_viewable_ : one_process_;
  }
  // Does view() show the peer's memory?
  bool in_view(Rank peer, MemoryRef::Where where) const noexcept;
  // Can every rank put() where refer() answered?
  bool written_by_all(MemoryRef::Where where) const noexcept {
    return reached_by_all(where) || (where == MemoryRef::Where::kProcess && all_put_);
  }
  // Can every rank copy with get() what refer() answered?
  bool copied_by_all(MemoryRef::Where where) const noexcept {
    return where == MemoryRef::Where::kProcess && all_get_;
  }
  // Does a view or get take a way there and back (Access::reads_wait)? Then what is needed of many
  // peers is asked for in one call.
  bool reads_wait() const noexcept { return reads_wait_; }
  // Are views copies that this rank makes (Access::needs_progress)? Then get() to where the bytes
  // are wanted saves one.
  bool views_are_copies() const noexcept { return views_are_copies_; }
  // Peers' memory to read: offsets as in their MemoryRefs. Throws tuttiInternalError naming the
  // peer whose memory does not exist.
  void view(MemoryRef::Where where, std::span<View> pieces);
  const std::byte* view(Rank peer, MemoryRef ref, std::size_t bytes) {
    View piece{.peer = peer, .offset = ref.offset, .bytes = bytes, .data = nullptr};
    view(ref.where, {&piece, 1});
    return piece.data;
  }
  // Copies peers' memory.
  void get(MemoryRef::Where where, std::span<const Fetch> pieces);
  // The same of their control segments.
  void get_control(std::span<const Fetch> pieces);
  // A peer's memory to write: bytes go there with commit().
  std::byte* reach(Rank peer, MemoryRef ref, std::size_t bytes);
  void commit(Rank peer, MemoryRef ref, std::size_t bytes) {
    window(ref.where).commit(peer, ref.offset, bytes);
  }

  // Copies into a peer's memory; the source is free again after flush().
  void put(Rank peer, MemoryRef ref, std::span<const std::byte> source);
  void flush(Rank peer, MemoryRef::Where where) {
    window(where).flush(peer, options_.limits.timeout);
  }
  // The same of puts to its control segment.
  void flush_control(Rank peer) { control().flush(peer, options_.limits.timeout); }

  // This rank gives up: its waits end with tuttiAborted. From any thread.
  void cancel() noexcept;
  // Marks the communicator failed everywhere and throws the error that won.
  [[noreturn]] void raise(const Error& error);
  // Throws what stands against a wait; those of `gone` that are dead or have left are needed.
  void check_trouble(const std::vector<Rank>& gone, const Operation* operation);
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }
  // Throws when the communicator has failed, a rank has died, or this rank has cancelled.
  void check_usable();

  // This rank has done `work`: see Transport::charge.
  void charge(const LocalWork& work) const {
    if (charges_) [[unlikely]]
      transport_.charge(work);
  }

  Doorbell& own_bell() noexcept {
    settle();
    return *own_bell_;
  }
  Doorbell& shared_bell() noexcept { return *shared_bell_; }
  const Line& own_line(LineId id) const noexcept {
    settle();
    return lines_[id];
  }
  // seq_cst: await_slot announces itself before it looks here.
  Sequence completed() const noexcept { return completed_.load(std::memory_order_seq_cst); }

  // Has an own line reached that value? Acquire: pairs with the release of who posted it. What a
  // line has reached it keeps: only where it has not, what came meanwhile has to be seen first.
  bool shows(LineId id, std::uint64_t want, const SyncPlace& place, Sync sync = Sync::kWait) const {
    const Line& line = lines_[id];
    if (watch_ != nullptr) [[unlikely]]
      return looks_at(line, want, place, sync);
    if (reached(line.value.load(std::memory_order_acquire), want)) return true;
    if (!settles_) [[likely]]
      return false;
    transport_.settle();
    return reached(line.value.load(std::memory_order_acquire), want);
  }
  // Around a loop that does what may come between ControlWindow::begin_posts() and end_posts(). A
  // wait for a credit ends them.
  template <typename Loop>
  void post_together(Loop&& loop) {
    if (!settles_) [[likely]]
      return loop();
    Posts posts(control());
    loop();
    posts.end();
  }
  // For tests of what the watch finds.
  bool leaves_out(Sync sync, const SyncPlace& place) const {
    if (watch_ != nullptr) [[unlikely]]
      return watch_->leaves_out(sync, place);
    return false;
  }

 private:
  friend class Operation;

  void note(Read read) const { watch_->touches(read); }
  void note(Write write) const { watch_->touches(write); }
  void note(Reads reads) const {
    for (const std::byte* const data : reads.data) watch_->touches(Read{data, reads.bytes});
  }
  void note(Writes writes) const {
    for (const std::byte* const data : writes.data) watch_->touches(Write{data, writes.bytes});
  }
  template <typename Place>
  bool is_hollow(Place place) const noexcept {
    if constexpr (requires { place.data.begin(); }) {
      return std::any_of(place.data.begin(), place.data.end(),
                         [this](const std::byte* data) { return hollow_->contains(data, 0); });
    } else {
      return hollow_->contains(place.data, 0);
    }
  }
  bool looks_at(const Line& line, std::uint64_t want, const SyncPlace& place, Sync sync) const;

  // Before a look at what peers write.
  void settle() const noexcept {
    if (settles_) [[unlikely]]
      transport_.settle();
  }

  struct PeerCredit {
    // The peer completed everything below. Release by the thread that read it from a line, acquire
    // by a thread that writes into the peer's slot.
    std::atomic<Sequence> known;
    // The last `completed` that the peer gets from us before it needs it.
    std::atomic<Sequence> told;
  };

  bool has_credit(Rank peer, Sequence sequence) const noexcept {
    const Sequence known =
        credits_[static_cast<std::size_t>(peer)].known.load(std::memory_order_acquire);
    if (concurrent_) hears(credits_.get());
    return static_cast<std::int64_t>(known + layout_.depth - sequence) > 0;
  }
  // Acquire pairs with the release in raise_floor.
  bool has_everyones_credit(Sequence sequence) const noexcept {
    const Sequence floor = floor_.load(std::memory_order_acquire);
    if (concurrent_) hears(credits_.get());
    return static_cast<std::int64_t>(floor + layout_.depth - sequence) > 0;
  }
  void learn(Rank peer, Sequence completed) noexcept {
    auto& known = credits_[static_cast<std::size_t>(peer)].known;
    if (static_cast<std::int64_t>(completed - known.load(std::memory_order_relaxed)) > 0) {
      known.store(completed, std::memory_order_release);
      if (concurrent_) tells(credits_.get());
    }
  }
  void raise_floor(Sequence floor) noexcept {
    if (concurrent_) tells(credits_.get());
    Sequence before = floor_.load(std::memory_order_relaxed);
    while (static_cast<std::int64_t>(floor - before) > 0 &&
           !floor_.compare_exchange_weak(before, floor, std::memory_order_release)) {
    }
  }
  void await_credit(Rank peer, const Operation& operation);
  void await_slot(Sequence sequence);
  void finish(Sequence sequence) {
    if (settles_) [[unlikely]]
      transport_.complete();
    if (concurrent_) [[unlikely]] {
      finish_concurrently(sequence);
    } else {
      // One at a time, in order, in the thread of the Call: nobody else writes it.
      completed_.store(sequence + 1, std::memory_order_release);
      if (sequence + 1 - swept_.load(std::memory_order_relaxed) >= layout_.depth / 4) {
        tell_credits(sequence + 1);
      }
    }
  }
  void finish_concurrently(Sequence sequence);
  void tell_credits(Sequence completed);
  void wake_waiting();
  [[noreturn]] void raise_mismatch(const Operation& operation);
  // What `peer` posted under the operation's number, if that has arrived.
  const Line* entry_of(const Operation& operation, Rank peer);
  std::map<std::uint64_t, std::vector<Rank>> camps_of(const Operation& operation);
  Window& window(MemoryRef::Where where) noexcept {
    return where == MemoryRef::Where::kHeap ? *windows_.heap : *windows_.process;
  }
  // Peers' memory is mapped at its first use; who cannot be reached is named by the error.
  template <typename Open>
  auto opened(Open&& open) {
    try {
      return open();
    } catch (const Error& error) {
      raise_unreachable(error);
    }
  }
  // A peer's memory cannot be opened: because it is dying, or for the reason that `error` gives.
  [[noreturn]] void raise_unreachable(const Error& error);
  [[noreturn]] void raise_absent(MemoryRef::Where where, const View& piece);
  // Throws if a peer has posted an entry of another operation than `operation` under its number.
  void check_entries(const Operation& operation);

  Transport& transport_;
  ChannelWindows windows_;
  ControlLayout layout_;
  Rank rank_;
  ChannelOptions options_;
  const Heap& heap_;
  const Heap* const hollow_;   // nullptr: all that ranks send is moved
  ChannelWatch* const watch_;  // nullptr: nobody
  const bool plain_;           // neither
  const Line* lines_;
  Doorbell* own_bell_;
  Doorbell* shared_bell_;
  Waiter waiter_;
  CacheGauge gauge_;
  const bool charges_;
  const bool settles_;
  bool one_process_ = true;
  bool all_viewable_ = true;
  bool all_get_ = true;
  bool all_put_ = true;
  bool reads_wait_ = false;
  bool views_are_copies_ = false;
  std::atomic<bool> cancelled_{false};
  bool concurrent_ = false;  // set before the operations that need it are handed to other threads

  alignas(64) Sequence issued_;  // the API thread's
  std::unique_ptr<PeerCredit[]> credits_;
  // Per slot: the last operation in which this rank heard nothing from some peer (a root that only
  // sends), so that disagreement is found when the slot is used again. 0: none.
  struct Unheard {
    Sequence sequence = 0;
    std::uint64_t fingerprint = 0;
  };
  std::unique_ptr<Unheard[]> unheard_;
  std::unique_ptr<std::uint64_t[]> assemblies_;  // [assembly]: how often arrive()d at

  // finished_[slot] is the last operation done in that slot, plus one; completed_ follows it in
  // order.
  alignas(64) std::atomic<Sequence> completed_;
  std::atomic<Sequence> swept_;                         // `completed` at the last tell_credits
  LongMutex telling_{"another stream's credit lines"};  // once concurrent; held during posts
  std::atomic<int> waiting_{0};                         // threads in await_slot
  std::atomic<Sequence> floor_;  // every rank completed everything below (learned from assemblies)
  std::unique_ptr<std::atomic<Sequence>[]> finished_;
};

}  // namespace tutti
