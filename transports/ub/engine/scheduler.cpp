// What fibres and events ask of the scheduler; how it runs them is in scheduler_run.cpp.
#include "transports/ub/engine/scheduler.hpp"

namespace tutti::ub {
namespace {

// In the list of who waits for the end of a fibre, as long as it lives.
class JoinerLink {
 public:
  JoinerLink(const FibreTable& table, FibreId target, FibreRecord& self) noexcept
      : table_(table), target_(target), self_(self) {
    FibreRecord& fibre = *table_.find(target_);
    self_.next_joiner = fibre.first_joiner;
    fibre.first_joiner = &self_;
  }
  ~JoinerLink() {
    FibreRecord* fibre = table_.find(target_);
    if (fibre == nullptr) return;  // it woke its joiners and forgot them
    FibreRecord** link = &fibre->first_joiner;
    while (*link != &self_) link = &(*link)->next_joiner;
    *link = self_.next_joiner;
  }
  JoinerLink(const JoinerLink&) = delete;
  JoinerLink& operator=(const JoinerLink&) = delete;

 private:
  const FibreTable& table_;
  FibreId target_;
  FibreRecord& self_;
};

class EndOfFibre final : public ParkSubject {
 public:
  explicit EndOfFibre(const Entity& who) : who_(who) {}
  std::string describe() const override { return "the end of " + to_string(who_); }

 private:
  Entity who_;
};

}  // namespace

Scheduler::Scheduler(const Options& options, SchedulerOwner& owner)
    : owner_(owner),
      host_(options.host),
      watcher_(options.watcher),
      limit_(options.limit),
      placement_(options.reorder_seed),
      thread_(std::this_thread::get_id()),
      events_(options.numbered),
      deadlines_(placement_),
      table_(options.stack_bytes) {}

FibreId Scheduler::add(const Entity& who, Picoseconds time, std::unique_ptr<FibreBody> body) {
  check_entity(who);
  check_time(time);
  if (unwinding_) {
    fail(tuttiInvalidUsage, "{} cannot begin: the simulation is being ended", to_string(who));
  }
  FibreRecord& fibre = table_.add();
  fibre.who = who;
  fibre.born = spawned_++;
  fibre.context->log_rank = who.rank;
  fibre.context->host = host_;
  fibre.body = std::move(body);
  fibre.scheduler = this;
  fibre.machine.prepare({.stack = fibre.stack,
                         .state = fibre.context.get(),
                         .entry = &Scheduler::enter,
                         .argument = &fibre});
  make_ready(fibre, time);
  if (watcher_ != nullptr) watcher_->spawned(fibre.id, who, time, running_id());
  return fibre.id;
}

void Scheduler::make_ready(FibreRecord& fibre, Picoseconds time) {
  fibre.state = State::kReady;
  ready_.push(time, placement_.place(time, fibre.who), fibre.id.index);
}

void Scheduler::resume_parked(FibreRecord& fibre, Wake reason) {
  happened_ = true;
  fibre.reason = reason;
  if (watcher_ != nullptr) watcher_->woken(fibre.id, running_id());
  make_ready(fibre, now_);
}

void Scheduler::wake(FibreId id, Picoseconds time) {
  check_time(time);
  if (time == now_) {
    wake_now(id);
  } else if (const FibreRecord* fibre = table_.find(id); fibre != nullptr) {
    at(time, fibre->who, [this, id] { wake_now(id); });
  }
}

void Scheduler::wake_now(FibreId id) {
  FibreRecord* fibre = table_.find(id);
  if (fibre == nullptr) return;
  if (fibre->state == State::kParked) {
    resume_parked(*fibre, Wake::kWoken);
  } else {
    fibre->woken = true;
  }
}

void Scheduler::cancel(FibreId id) {
  FibreRecord* fibre = table_.find(id);
  if (fibre == nullptr) return;
  fibre->cancelled = true;
  if (fibre->state == State::kParked) {
    resume_parked(*fibre, Wake::kCancelled);
  } else {
    fibre->cancel_pending = true;
  }
}

void Scheduler::advance_slowly(Picoseconds time) {
  FibreRecord& self = running();
  if (unwinding_) return unwind(self);
  // Among fibres at `time` it may still be the first.
  const Turn turn = ready_.offer(time, placement_.place(time, self.who), self.id.index);
  if (turn < ready_.first() && time < events_.first().time && time < bound()) {
    now_ = time;
    return;
  }
  make_ready(self, time);
  leave(self);
}

Wake Scheduler::park_until(Picoseconds deadline, const ParkSubject& subject) {
  FibreRecord& self = running();
  if (unwinding_) {
    unwind(self);
    return Wake::kCancelled;
  }
  if (std::exchange(self.cancel_pending, false)) return Wake::kCancelled;
  if (std::exchange(self.woken, false)) return Wake::kWoken;
  self.state = State::kParked;
  self.subject = &subject;
  parked_anew_ = true;
  self.parked_since = now_;
  self.deadline = std::max(deadline, now_);
  deadlines_.want(self);
  leave(self);
  if (watcher_ != nullptr) watcher_->waited(self.id, self.parked_since, now_);
  return self.reason;
}

Wake Scheduler::join(FibreId other, Picoseconds deadline) {
  FibreRecord& self = running();
  if (other == self.id) {
    fail(tuttiInvalidUsage, "{} waits for its own end", to_string(self.who));
  }
  while (const FibreRecord* target = table_.find(other)) {
    const EndOfFibre subject(target->who);
    const JoinerLink link(table_, other, self);
    const Wake reason = park_until(deadline, subject);
    if (reason == Wake::kCancelled) return reason;
    if (reason == Wake::kDeadline && !finished(other)) return reason;
  }
  return Wake::kWoken;
}

void Scheduler::fail_outside_fibre() const {
  fail(tuttiInternalError, "a scheduling point of the simulation was reached outside its fibres");
}

void Scheduler::fail_step(Picoseconds dt) const {
  fail(tuttiInternalError, "virtual time cannot go {} ps on from {} ps", dt.count(), now_.count());
}

void Scheduler::fail_time(Picoseconds time) const {
  fail(tuttiInternalError, "{} ps is no time for something to happen: it is {} ps now",
       time.count(), now_.count());
}

}  // namespace tutti::ub
