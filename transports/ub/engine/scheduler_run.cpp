// How the scheduler runs: the hub, and what fibres do when they begin, give up their turn and end.
#include <tuple>

#include "base/log.hpp"
#include "transports/ub/engine/scheduler.hpp"

namespace tutti::ub {
namespace {

// A fibre that is being ended and still reaches that many scheduling points catches FibreUnwind in
// a loop.
constexpr int kMostUnwinds = 10'000;

}  // namespace

Scheduler::~Scheduler() { unwind_all(); }

Scheduler::End Scheduler::run() {
  if (in_run_ || thread_ != std::this_thread::get_id()) {
    fail(tuttiInvalidUsage, "a simulation is run by the thread that made it, once at a time");
  }
  struct Running {
    bool& flag;
    explicit Running(bool& in_run) : flag(in_run) { flag = true; }
    ~Running() { flag = false; }
  };
  const Running running(in_run_);
  hub_.adopt_thread();
  while (step()) {
  }
  if (late_) return End::kLate;
  return table_.live() == 0 ? End::kFinished : End::kStuck;
}

// Does what comes first. False: nothing is left that could happen.
bool Scheduler::step() {
  const Picoseconds event = events_.first().time;
  const Picoseconds next = std::min(event, ready_.first().time);
  if (next == kNever && table_.live() > 0 && happened_ && parked_anew_) {
    report_deadlock();
    return true;  // the owner may have changed everything
  }
  FibreRecord* const due = deadlines_.bound() <= next ? deadlines_.due_by(next) : nullptr;
  const Picoseconds first = due != nullptr ? due->deadline : next;
  if (first >= limit_ && first != kNever) {
    late_ = true;
    return false;
  }
  if (event != kNever && event == next && (due == nullptr || event == due->deadline)) {
    now_ = event;
    happened_ = true;
    events_.run_first();
    return true;
  }
  if (due != nullptr) {
    const Turn& ready = ready_.first();
    if (ready.time != due->deadline || placement_.place(due->deadline, due->who) < ready.place) {
      now_ = due->deadline;
      due->reason = Wake::kDeadline;
      go_to(*due);
      return true;
    }
  }
  if (ready_.empty()) return false;
  now_ = next;
  go_to(table_.at(ready_.pop()));
  return true;
}

void Scheduler::go_to(FibreRecord& fibre) {
  fibre.state = State::kRunning;
  running_ = &fibre;
  MachineContext::jump(hub_, fibre.machine);
  running_ = nullptr;
  if (ended_ != nullptr) reap(*std::exchange(ended_, nullptr));
}

// `self` is ready or parked; returns when it is its turn again.
void Scheduler::leave(FibreRecord& self) {
  const Picoseconds next = ready_.first().time;
  if (next < events_.first().time && next < bound()) {
    FibreRecord& other = table_.at(ready_.pop());
    if (!ready_.empty()) __builtin_prefetch(&table_.at(ready_.first().item).machine);
    now_ = next;
    other.state = State::kRunning;
    running_ = &other;
    MachineContext::jump(self.machine, other.machine);
  } else {
    MachineContext::jump(self.machine, hub_);
  }
  if (unwinding_) [[unlikely]] {
    self.reason = Wake::kCancelled;
    unwind(self);
  }
}

void Scheduler::enter(void* fibre) noexcept {
  FibreRecord& self = *static_cast<FibreRecord*>(fibre);
  self.started = true;
  try {
    // Destroyed here, also when it throws.
    struct Body {
      std::unique_ptr<FibreBody>& body;
      ~Body() { body.reset(); }
    } const guard{self.body};
    self.body->run();
  } catch (const FibreUnwind&) {
  } catch (...) {
    self.failure = std::current_exception();
  }
  self.state = State::kFinished;
  Scheduler& scheduler = *self.scheduler;
  scheduler.ended_ = &self;
  MachineContext::jump_for_good(self.machine, scheduler.hub_);
}

void Scheduler::reap(FibreRecord& fibre) {
  const FibreId id = fibre.id;
  const Entity who = fibre.who;
  const std::exception_ptr failure = std::exchange(fibre.failure, nullptr);
  for (FibreRecord* joiner = std::exchange(fibre.first_joiner, nullptr); joiner != nullptr;) {
    wake_now(std::exchange(joiner, joiner->next_joiner)->id);
  }
  deadlines_.forget(fibre);
  fibre.body.reset();  // of a fibre that never began, or was given up
  table_.remove(fibre);
  if (failure == nullptr) return;
  if (!unwinding_) return owner_.fibre_failed(id, who, failure);
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    TUTTI_WARN(kStream, "{} failed while its simulation was ended: {}", to_string(who),
               error.what());
  } catch (...) {
    TUTTI_WARN(kStream, "{} failed while its simulation was ended", to_string(who));
  }
}

std::vector<ParkedFibre> Scheduler::parked_fibres() const {
  std::vector<FibreRecord*> fibres = table_.all();
  std::erase_if(fibres, [](const FibreRecord* fibre) { return fibre->state != State::kParked; });
  std::sort(fibres.begin(), fibres.end(), [](const FibreRecord* a, const FibreRecord* b) {
    return std::tuple(a->who.code(), a->born) < std::tuple(b->who.code(), b->born);
  });
  std::vector<ParkedFibre> parked;
  parked.reserve(fibres.size());
  for (const FibreRecord* fibre : fibres) {
    parked.push_back({.id = fibre->id,
                      .who = fibre->who,
                      .since = fibre->parked_since,
                      .deadline = fibre->deadline,
                      .waits_for = fibre->subject->describe()});
  }
  return parked;
}

void Scheduler::report_deadlock() {
  happened_ = parked_anew_ = false;
  const std::vector<ParkedFibre> parked = parked_fibres();
  owner_.deadlocked(parked);
}

void Scheduler::unwind(FibreRecord& self) {
  if (++self.unwinds > kMostUnwinds) {
    TUTTI_WARN(kStream, "{} does not end with its simulation; what it owns is leaked",
               to_string(self.who));
    self.state = State::kFinished;
    ended_ = &self;
    self.machine.abandon_calls();
    MachineContext::jump_for_good(self.machine, hub_);
  }
  if (self.context->kept == 0 && std::uncaught_exceptions() == 0) throw FibreUnwind{};
}

void Scheduler::unwind_all() noexcept {
  unwinding_ = true;
  events_.clear();
  deadlines_.clear();
  ready_.clear();
  hub_.adopt_thread();
  std::vector<FibreRecord*> fibres = table_.all();
  std::sort(fibres.begin(), fibres.end(),
            [](const FibreRecord* a, const FibreRecord* b) { return a->born > b->born; });
  for (FibreRecord* fibre : fibres) {
    if (fibre->started) {
      go_to(*fibre);
    } else {
      reap(*fibre);
    }
  }
}

}  // namespace tutti::ub
