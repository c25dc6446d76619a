// The scheduler's own record of a fibre. Records are reused, and do not move.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include "base/context.hpp"
#include "transports/ub/engine/deadlines.hpp"
#include "transports/ub/engine/fibre.hpp"
#include "transports/ub/engine/machine_context.hpp"

namespace tutti::ub {

// What a fibre runs, once.
class FibreBody {
 public:
  virtual ~FibreBody() = default;
  virtual void run() = 0;
};

template <typename Callable>
class FibreBodyOf final : public FibreBody {
 public:
  explicit FibreBodyOf(Callable callable) : callable_(std::move(callable)) {}
  void run() override { callable_(); }

 private:
  Callable callable_;
};

class Scheduler;

// What a switch needs comes first; what is large or seldom used is elsewhere or last.
struct alignas(64) FibreRecord {
  enum class State : std::uint8_t {
    kFree,
    kReady,  // in the queue of turns, exactly once
    kRunning,
    kParked,
    kFinished  // its stack is not given back yet
  };

  MachineContext machine;
  State state = State::kFree;
  bool started = false;

  // A wake that came while it did not park; the next park takes it. Cancellation likewise, once.
  bool woken = false;
  bool cancel_pending = false;
  bool cancelled = false;  // for ever
  Wake reason = Wake::kWoken;

  FibreId id;
  Entity who;

  // While parked.
  Picoseconds deadline = kNever;
  Picoseconds parked_since{};
  const ParkSubject* subject = nullptr;

  Deadlines::Place deadline_place;
  FibreRecord* first_joiner = nullptr;  // who waits for its end
  FibreRecord* next_joiner = nullptr;   // of the fibre it waits for

  Scheduler* scheduler = nullptr;  // owns this
  std::uint64_t born = 0;          // counts spawns
  int unwinds = 0;                 // scheduling points since it is being ended

  std::unique_ptr<FibreBody> body;
  std::exception_ptr failure;
  Stack stack;
  std::unique_ptr<ThreadContext> context = std::make_unique<ThreadContext>();
};

}  // namespace tutti::ub
