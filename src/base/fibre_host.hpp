// What code that may run on a fibre asks of the scheduler instead of blocking its thread. Whoever
// waits, spawns or asks for the time in the library goes through this when it is there
// (ThreadContext::host), and through the operating system otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tutti/transport.hpp>

namespace tutti {

// One scheduler; all its fibres run on one thread, one at a time. Nothing else that others do
// becomes visible to a fibre between two calls of park() or join().
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
  // waited for, in the report of a deadlock; it stays alive during the call.
  virtual void park(Nanoseconds deadline, const std::string& what) = 0;

  // From a fibre or an event of this host. Nothing if `fibre` has finished.
  virtual void wake(Fibre fibre) = 0;

  // Starts `body`, which does not throw, beside the caller, as another stream of its rank.
  virtual Fibre spawn(std::function<void()> body) = 0;
  // Returns when `fibre` has finished.
  virtual void join(Fibre fibre) = 0;

 protected:
  ~FibreHost() = default;
};

}  // namespace tutti
