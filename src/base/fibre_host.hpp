// What code that may run on a fibre asks of the scheduler instead of blocking its thread. Whoever
// waits, spawns or asks for the time in the library goes through this when it is there
// (ThreadContext::host), and through the operating system otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <tutti/transport.hpp>

#include "base/context.hpp"

namespace tutti {

class Heap;
class MemoryMeetings;

// What park() and join() throw in the fibres that a scheduler ends before they have finished. Not a
// std::exception, so that nobody takes it for an error. Who catches it lets it pass, or meets it
// again at the next park. The C boundary makes tuttiAborted of it.
struct FibreUnwind {};

// Keeps FibreUnwind away from a scope of a fibre that must not throw but waits, such as a
// destructor: there park() and join() of a fibre that is being ended return at once, and what was
// waited for may not have come. Nothing on a thread.
class KeepFibre {
 public:
  KeepFibre() noexcept : context_(current_context()) { ++context_.kept; }
  ~KeepFibre() { --context_.kept; }
  KeepFibre(const KeepFibre&) = delete;
  KeepFibre& operator=(const KeepFibre&) = delete;

 private:
  ThreadContext& context_;  // of the fibre on whose stack this lies
};

// One scheduler; all its fibres run on one thread, one at a time. Nothing else that others do
// becomes visible to a fibre between two calls of park() or join().
//
// Who holds a std::mutex does not park or join: the fibre that has the turn next may want it, and
// would block the only thread there is. Condition and LongMutex are what to wait with.
class FibreHost {
 public:
  // Names a fibre of this host for ever; never 0.
  using Fibre = std::uint64_t;

  // Virtual time.
  virtual Nanoseconds now() noexcept = 0;

  // The fibre that calls.
  virtual Fibre current() = 0;

  // Gives up the turn until somebody wakes the caller, or until `deadline`, a time of now()
  // (Nanoseconds::max(): none). Returns early for other reasons too: look again at what you wait
  // for. A wake that came since the last park makes this one return at once. `what` says what is
  // waited for, in the report of a deadlock; it stays alive during the call. In a fibre that is
  // being ended it throws FibreUnwind, or returns at once where a KeepFibre is open or an exception
  // is in flight.
  virtual void park(Nanoseconds deadline, std::string_view what) = 0;

  // The caller is busy for `time`. Others that wait are no deadlock meanwhile. Ends as park() does.
  virtual void pass(Nanoseconds time) = 0;

  // Is the calling fibre being ended? Time stands still then, and nothing that it waits for comes.
  virtual bool ending() noexcept = 0;

  // From a fibre or an event of this host. Nothing if `fibre` has finished.
  virtual void wake(Fibre fibre) = 0;

  // Starts `body`, which throws nothing but FibreUnwind, beside the caller, as another stream of
  // its rank.
  virtual Fibre spawn(std::function<void()> body) = 0;
  // Returns when `fibre` has finished; as park() in a fibre that is being ended.
  virtual void join(Fibre fibre) = 0;

  // Where its ranks meet; nullptr: not in memory. Owned by the host, interpreted by bootstrap/.
  virtual MemoryMeetings* meetings() noexcept { return nullptr; }

  // Where payload of its ranks lies that is never moved; nullptr: it moves, and lies in the heap of
  // the process. Owned by the host, interpreted by memory/.
  virtual Heap* hollow_heap() noexcept { return nullptr; }

  // For a checker of races (channel_watch.hpp). Streams of a rank are in order where they lock and
  // notify: who hears is behind all who have told the same object. And a part of the heap belongs
  // to the caller from now on, or to nobody.
  virtual void tells(const void*) {}
  virtual void hears(const void*) {}
  virtual void gave(const void*, std::size_t) {}
  virtual void took_back(const void*, std::size_t) noexcept {}

 protected:
  ~FibreHost() = default;
};

// For loops that wait, after each park: may the caller go on waiting? Throws FibreUnwind when the
// fibre is being ended; false where a KeepFibre is open then.
inline bool may_wait_on(FibreHost& host) {
  if (!host.ending()) [[likely]] {
    return true;
  }
  if (current_context().kept == 0) throw FibreUnwind{};
  return false;
}

}  // namespace tutti
