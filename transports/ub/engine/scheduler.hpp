// Runs the fibres and events of a simulation on one OS thread, always the smallest virtual time
// first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/fibre_host.hpp"
#include "transports/ub/engine/event_queue.hpp"
#include "transports/ub/engine/fibre.hpp"
#include "transports/ub/engine/fibre_table.hpp"
#include "transports/ub/engine/fibre_watcher.hpp"

namespace tutti::ub {

// Who owns a scheduler hears of trouble here. Called between fibres; may wake, cancel, spawn and
// push events; what it throws comes out of run().
class SchedulerOwner {
 public:
  virtual ~SchedulerOwner() = default;

  // A fibre's body ended with an exception.
  virtual void fibre_failed(FibreId id, const Entity& who, std::exception_ptr why) = 0;

  // No event is left and no fibre can run: all of them, listed by (rank, stream), wait for each
  // other. After this the earliest deadline comes. What deadlines alone lead to is not told again:
  // only after an event or a wake, and when a fibre has parked since.
  virtual void deadlocked(std::span<const ParkedFibre> parked) = 0;
};

// Invariants.
// - now() never decreases. Whoever runs, runs at now(): nothing with a smaller turn is left.
// - At equal times events go first, so that what arrives at t is visible to whom goes on at t. Then
//   fibres. Among events, and among fibres: by place (rank, stream, or what reorder_seed makes of
//   it), then in the order in which they were scheduled.
// - A fibre gives up its turn in advance, park_until and join only - the scheduling points. Nothing
//   else that others do becomes visible between them.
// - A wake is not lost: one for a fibre that does not park makes its next park return at once. Who
//   waits therefore looks, parks, and looks again, whatever woke it.
// - One thread: it makes the scheduler, runs and destroys it. Memory order has no part here.
class Scheduler {
 public:
  struct Options {
    std::size_t stack_bytes = 1 << 20;          // address space; what is touched counts
    std::optional<std::uint64_t> reorder_seed;  // permutes whose turn it is at equal times
    FibreHost* host = nullptr;                  // in the ThreadContext of its fibres; outlives it
    NumberedEvents* numbered = nullptr;         // outlives it
    Picoseconds limit = kNever;                 // nothing happens at that time or later
    FibreWatcher* watcher = nullptr;            // outlives it
  };

  // `owner` outlives the scheduler; it is not called by the destructor.
  Scheduler(const Options& options, SchedulerOwner& owner);

  // Drops the events and ends the fibres that have not finished, the youngest first: their
  // scheduling points throw FibreUnwind, so that destructors run. Where that cannot be - an
  // exception is in flight, or a KeepFibre is open - they return at once, as cancelled, and time
  // stands still. Not from a fibre or an event of its own.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // --- From everywhere: outside run(), in fibres, in events.

  Picoseconds now() const noexcept { return now_; }
  std::size_t fibres() const noexcept { return table_.live(); }

  // Makes a fibre that runs `body()` from `time` on, not before now(). Its ThreadContext is new and
  // has the rank as log_rank. `body` is destroyed on the fibre, or by the scheduler if it never
  // starts. What comes out of `body()` goes to the owner.
  template <typename Body>
  FibreId spawn(const Entity& who, Picoseconds time, Body&& body) {
    return add(who, time,
               std::make_unique<FibreBodyOf<std::decay_t<Body>>>(std::forward<Body>(body)));
  }

  // Calls callback() at `time`, not before now(), as something that happens to `who`. It must not
  // reach a scheduling point, and has 48 bytes for what it captures.
  template <typename Callback>
  void at(Picoseconds time, const Entity& who, Callback&& callback) {
    check_time(time);
    events_.push(time, placement_.place(time, who), std::forward<Callback>(callback));
  }

  // The same without a callback: Options::numbered is told the number, up to its kLargest.
  void at_number(Picoseconds time, const Entity& who, std::uint32_t number) {
    check_time(time);
    events_.push_number(time, placement_.place(time, who), number);
  }

  // The fibre's park returns at `time`, not before now(), or its next one after that at once.
  // Nothing if it has finished by then.
  void wake(FibreId id, Picoseconds time);

  // Tells a fibre to stop what it does: its park, or else its next one, returns kCancelled, once.
  void cancel(FibreId id);

  bool finished(FibreId id) const noexcept { return table_.find(id) == nullptr; }
  // Whether it was ever cancelled.
  bool cancelled(FibreId id) const noexcept {
    const FibreRecord* fibre = table_.find(id);
    return fibre != nullptr && fibre->cancelled;
  }

  bool in_fibre() const noexcept { return running_ != nullptr; }
  // Are the fibres being ended by the destructor?
  bool ending() const noexcept { return unwinding_; }

  // --- From a fibre; elsewhere tuttiInternalError.

  FibreId current() const { return running().id; }
  const Entity& who() const { return running().who; }

  // The fibre works for `dt`, which is not negative. Everything that is earlier happens first. Who
  // polls advances by more than zero: at the same time its turn may be the first again.
  void advance(Picoseconds dt) {
    const Picoseconds time = later(dt);
    if (time < quiet_until() && running_ != nullptr && !unwinding_) [[likely]] {
      now_ = time;
      return;
    }
    advance_slowly(time);
  }

  // Gives up the turn until somebody wakes or cancels the fibre, or `deadline`. `subject` is asked
  // when there is a deadlock.
  Wake park_until(Picoseconds deadline, const ParkSubject& subject);

  // Waits for the end of another fibre. kWoken: it has finished.
  Wake join(FibreId other, Picoseconds deadline = kNever);

  // --- From outside.

  enum class End {
    kFinished,  // every fibre has finished, every event has happened
    kStuck,     // a deadlock without a deadline: nothing more can happen
    kLate       // what comes next is not before the limit
  };
  // Throws what an event or the owner throws; then it may be called again.
  End run();

  // Who waits, by (rank, stream).
  std::vector<ParkedFibre> parked() const { return parked_fibres(); }

 private:
  using State = FibreRecord::State;

  FibreId add(const Entity& who, Picoseconds time, std::unique_ptr<FibreBody> body);
  FibreRecord& running() const {
    if (running_ == nullptr) [[unlikely]] {
      fail_outside_fibre();
    }
    return *running_;
  }

  Picoseconds later(Picoseconds dt) const {
    if (dt < Picoseconds::zero() || dt >= kNever - now_) [[unlikely]] {
      fail_step(dt);
    }
    return now_ + dt;
  }
  void check_time(Picoseconds time) const {
    if (time < now_ || time == kNever) [[unlikely]] {
      fail_time(time);
    }
  }
  [[noreturn]] void fail_outside_fibre() const;
  [[noreturn]] void fail_step(Picoseconds dt) const;
  [[noreturn]] void fail_time(Picoseconds time) const;

  // No deadline is earlier, and nothing happens later without a look at the limit.
  Picoseconds bound() const noexcept { return std::min(deadlines_.bound(), limit_); }
  // Before this, nobody but the running fibre has anything to do.
  Picoseconds quiet_until() const noexcept {
    return std::min(std::min(events_.first().time, ready_.first().time), bound());
  }
  void advance_slowly(Picoseconds time);

  void make_ready(FibreRecord& fibre, Picoseconds time);
  void resume_parked(FibreRecord& fibre, Wake reason);
  void wake_now(FibreId id);
  std::optional<FibreId> running_id() const noexcept {
    return running_ != nullptr ? std::optional(running_->id) : std::nullopt;
  }
  std::vector<ParkedFibre> parked_fibres() const;
  void report_deadlock();

  // The hub is the caller of run(): events happen there, on its stack, and fibres end there. From
  // fibre to fibre it is one switch, without the hub.
  bool step();
  void go_to(FibreRecord& fibre);
  void leave(FibreRecord& self);
  void reap(FibreRecord& fibre);
  TUTTI_UB_UNCOUNTED static void enter(void* fibre) noexcept;

  // At a scheduling point of a fibre that is being ended: throws FibreUnwind where that is allowed.
  void unwind(FibreRecord& self);
  void unwind_all() noexcept;

  SchedulerOwner& owner_;
  FibreHost* const host_;
  FibreWatcher* const watcher_;
  const Picoseconds limit_;
  Placement placement_;
  const std::thread::id thread_;

  Picoseconds now_{0};
  FibreRecord* running_ = nullptr;  // nullptr: the hub
  EventQueue events_;
  TurnQueue ready_;  // of fibres by index
  Deadlines deadlines_;
  // Since the last report of a deadlock: an event ran or somebody was woken; somebody parked.
  bool happened_ = true;
  bool parked_anew_ = true;
  bool in_run_ = false;
  bool late_ = false;
  bool unwinding_ = false;

  FibreTable table_;
  std::uint64_t spawned_ = 0;
  FibreRecord* ended_ = nullptr;  // came to the hub for good and is not reaped yet
  MachineContext hub_;
};

}  // namespace tutti::ub
