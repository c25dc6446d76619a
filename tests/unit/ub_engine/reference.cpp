#include "reference.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace tutti::ub {
namespace {

class Reference {
 public:
  Reference(const std::vector<Program>& programs, const Placement& placement)
      : programs_(programs), placement_(placement), fibres_(programs.size()) {}

  std::vector<Step> run() {
    for (int i = 0; i < static_cast<int>(programs_.size()); ++i) {
      if (programs_[static_cast<std::size_t>(i)].root) spawn(i, 0);
    }
    while (step()) {
    }
    const bool stuck = std::any_of(fibres_.begin(), fibres_.end(), [](const Fibre& fibre) {
      return fibre.state == State::kParked;
    });
    steps_.push_back({.time = now_, .program = kEndStep, .result = stuck ? 1 : 0});
    return steps_;
  }

 private:
  enum class State : std::uint8_t { kAbsent, kReady, kParked, kDone };
  struct Fibre {
    State state = State::kAbsent;
    std::size_t next_op = 0;
    bool in_op = false;  // it parked inside an operation
    bool woken = false, cancel_pending = false;
    Wake reason = Wake::kWoken;
    std::int64_t deadline = -1;
    std::int64_t op_deadline = -1;
    std::int64_t ready_at = 0;
    int ready_number = 0, born = 0;
    std::vector<int> joiners;  // who waits for its end, the last to come first
  };
  struct Event {
    std::int64_t time = 0;
    std::uint32_t place = 0;
    int number = 0;
    int step = -1;  // its number among the program's events; negative: a wake that takes effect
    int wakes = 0;
  };
  // Time, events before fibres, place, ready before deadlines, number.
  using Key = std::tuple<std::int64_t, int, std::uint32_t, int, int>;

  Fibre& fibre(int program) { return fibres_[static_cast<std::size_t>(program)]; }
  const Program& program(int index) const { return programs_[static_cast<std::size_t>(index)]; }
  std::uint32_t place(std::int64_t time, const Entity& who) const {
    return placement_.place(Picoseconds(time), who);
  }

  void make_ready(int index, std::int64_t time) {
    Fibre& f = fibre(index);
    f.state = State::kReady;
    f.ready_at = time;
    f.ready_number = ready_pushes_++;
  }
  void spawn(int index, std::int64_t time) {
    fibre(index).born = births_++;
    make_ready(index, time);
  }
  void push_event(std::int64_t time, const Entity& who, int step, int wakes) {
    events_.push_back({time, place(time, who), event_pushes_++, step, wakes});
  }
  void wake_now(int index) {
    Fibre& f = fibre(index);
    if (f.state == State::kReady) f.woken = true;
    if (f.state != State::kParked) return;
    f.reason = Wake::kWoken;
    happened_ = true;
    make_ready(index, now_);
  }
  void cancel(int index) {
    Fibre& f = fibre(index);
    if (f.state == State::kReady) f.cancel_pending = true;
    if (f.state != State::kParked) return;
    f.reason = Wake::kCancelled;
    happened_ = true;
    make_ready(index, now_);
  }

  bool step() {
    std::optional<Key> first;
    std::size_t event = 0;
    int next = -1;
    bool runnable = false, parked = false;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const Key key{events_[i].time, 0, events_[i].place, 0, events_[i].number};
      if (!first || key < *first) first = key, event = i;
      runnable = true;
    }
    for (int i = 0; i < static_cast<int>(fibres_.size()); ++i) {
      const Fibre& f = fibre(i);
      Key key;
      if (f.state == State::kReady) {
        runnable = true;
        key = {f.ready_at, 1, place(f.ready_at, program(i).who), 0, f.ready_number};
      } else if (f.state == State::kParked) {
        parked = true;
        if (f.deadline < 0) continue;
        key = {f.deadline, 1, place(f.deadline, program(i).who), 1, f.born};
      } else {
        continue;
      }
      if (!first || key < *first) first = key, next = i;
    }
    if (!runnable && parked && happened_ && parked_anew_) {
      happened_ = parked_anew_ = false;
      const auto count = std::count_if(fibres_.begin(), fibres_.end(),
                                       [](const Fibre& f) { return f.state == State::kParked; });
      steps_.push_back({.time = now_, .program = kDeadlockStep, .result = static_cast<int>(count)});
      return true;
    }
    if (!first) return false;
    now_ = std::get<0>(*first);
    if (std::get<1>(*first) == 0) {
      const Event happens = events_[event];
      events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(event));
      happened_ = true;
      if (happens.step >= 0) {
        steps_.push_back(
            {.time = now_, .program = happens.wakes, .op = kEventSteps + happens.step});
      }
      wake_now(happens.wakes);
    } else {
      if (fibre(next).state == State::kParked) fibre(next).reason = Wake::kDeadline;
      run(next);
    }
    return true;
  }

  // Parks, or answers at once.
  std::optional<Wake> park(Fibre& f, std::int64_t deadline) {
    if (std::exchange(f.cancel_pending, false)) return Wake::kCancelled;
    if (std::exchange(f.woken, false)) return Wake::kWoken;
    parked_anew_ = true;
    f.deadline = deadline < 0 ? -1 : std::max(deadline, now_);
    f.state = State::kParked;
    return std::nullopt;
  }

  // Until it gives up its turn.
  void run(int index) {
    Fibre& f = fibre(index);
    f.state = State::kReady;  // so that wakes are kept
    while (f.next_op < program(index).ops.size()) {
      const Op& op = program(index).ops[f.next_op];
      int result = 0;
      const bool resumed = std::exchange(f.in_op, false);
      if (op.kind == Op::kAdvance) {
        if (!resumed) {
          f.in_op = true;
          return make_ready(index, now_ + op.delay);
        }
      } else if (op.kind == Op::kPark) {
        const std::optional<Wake> reason =
            resumed ? f.reason : park(f, op.delay < 0 ? -1 : now_ + op.delay);
        if (!reason) {
          f.in_op = true;
          return;
        }
        result = static_cast<int>(*reason);
      } else if (op.kind == Op::kJoin) {
        if (!join(index, op, resumed, result)) {
          f.in_op = true;
          return;
        }
      } else {
        act(op);
      }
      steps_.push_back({now_, index, static_cast<int>(f.next_op), result});
      ++f.next_op;
    }
    f.state = State::kDone;
    for (const int joiner : std::exchange(f.joiners, {})) wake_now(joiner);
  }

  bool join(int index, const Op& op, bool resumed, int& result) {
    Fibre& f = fibre(index);
    Fibre& target = fibre(op.target);
    std::optional<Wake> reason;
    if (resumed) {
      reason = f.reason;
    } else {
      f.op_deadline = op.delay < 0 ? -1 : now_ + op.delay;
    }
    for (;;) {
      if (reason) std::erase(target.joiners, index);
      const bool over = target.state == State::kDone || target.state == State::kAbsent;
      result = static_cast<int>(reason.value_or(Wake::kWoken));
      if (reason == Wake::kCancelled) return true;
      if (over) {
        result = static_cast<int>(Wake::kWoken);
        return true;
      }
      if (reason == Wake::kDeadline) return true;
      target.joiners.insert(target.joiners.begin(), index);
      reason = park(f, f.op_deadline);
      if (!reason) return false;
    }
  }

  void act(const Op& op) {
    const bool absent = fibre(op.target).state == State::kAbsent;
    switch (op.kind) {
      case Op::kEvent:
        push_event(now_ + op.delay, op.who, event_steps_++, op.target);
        break;
      case Op::kWake:
        if (absent) break;
        if (op.delay == 0) {
          wake_now(op.target);
        } else if (fibre(op.target).state != State::kDone) {
          push_event(now_ + op.delay, program(op.target).who, -1, op.target);
        }
        break;
      case Op::kSpawn:
        spawn(op.target, now_ + op.delay);
        break;
      case Op::kCancel:
        cancel(op.target);
        break;
      default:
        break;
    }
  }

  const std::vector<Program>& programs_;
  const Placement& placement_;
  std::vector<Fibre> fibres_;
  std::vector<Event> events_;
  std::vector<Step> steps_;
  std::int64_t now_ = 0;
  int ready_pushes_ = 0, event_pushes_ = 0, births_ = 0, event_steps_ = 0;
  bool happened_ = true, parked_anew_ = true;
};

}  // namespace

std::vector<Step> run_by_reference(const std::vector<Program>& programs,
                                   const Placement& placement) {
  return Reference(programs, placement).run();
}

}  // namespace tutti::ub
