// Random programs do the same, step by step, under the scheduler and under the plain reference.
#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "reference.hpp"
#include "tests/support/scale.hpp"
#include "world.hpp"

namespace tutti::ub {
namespace {

// Times are small, so that almost everything happens at the same time as something else.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::vector<Program> programs() {
    const int count = 2 + below(25);
    const int ranks = 1 + below(8);
    std::vector<Program> made(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      Program& program = made[static_cast<std::size_t>(i)];
      program.who = {.rank = below(ranks), .stream = below(3)};
      for (int ops = below(20); ops > 0; --ops) program.ops.push_back(op(i, count, ranks));
    }
    for (int i = 0; i < count; ++i) {
      Program& program = made[static_cast<std::size_t>(i)];
      program.root = i == 0 || below(2) == 0;
      if (program.root) continue;
      auto& ops = made[static_cast<std::size_t>(below(i))].ops;
      ops.insert(ops.begin() + below(static_cast<int>(ops.size()) + 1),
                 {.kind = Op::kSpawn, .target = i, .delay = below(4)});
    }
    return made;
  }

 private:
  int below(int end) { return static_cast<int>(random_() % static_cast<std::uint64_t>(end)); }

  Op op(int self, int count, int ranks) {
    constexpr Op::Kind kKinds[] = {Op::kAdvance, Op::kAdvance, Op::kAdvance, Op::kEvent,
                                   Op::kEvent,   Op::kWake,    Op::kWake,    Op::kPark,
                                   Op::kPark,    Op::kPark,    Op::kJoin,    Op::kCancel};
    Op made{.kind = kKinds[below(12)], .target = below(count), .delay = below(6)};
    made.who = {.rank = below(ranks + 1) - 1};
    if (made.kind == Op::kJoin && made.target == self) made.kind = Op::kAdvance;
    if (made.kind == Op::kPark || made.kind == Op::kJoin) {
      made.delay = below(20) == 0 ? -1 : below(15);
    }
    return made;
  }

  std::mt19937_64 random_;
};

class Execution final : public SchedulerOwner {
 public:
  Execution(const std::vector<Program>& programs, const Scheduler::Options& options)
      : programs_(programs), ids_(programs.size()), scheduler_(options, *this) {}

  std::vector<Step> run() {
    for (int i = 0; i < static_cast<int>(programs_.size()); ++i) {
      if (programs_[static_cast<std::size_t>(i)].root) spawn(i, Picoseconds(0));
    }
    const bool stuck = scheduler_.run() == Scheduler::End::kStuck;
    note({.program = kEndStep, .result = stuck ? 1 : 0});
    return std::move(steps_);
  }

  void fibre_failed(FibreId, const Entity&, std::exception_ptr) override { ADD_FAILURE(); }
  void deadlocked(std::span<const ParkedFibre> parked) override {
    note({.program = kDeadlockStep, .result = static_cast<int>(parked.size())});
  }

 private:
  void note(Step step) {
    step.time = scheduler_.now().count();
    steps_.push_back(step);
  }
  FibreId id(int program) const { return ids_[static_cast<std::size_t>(program)]; }

  void spawn(int program, Picoseconds time) {
    const Program& made = programs_[static_cast<std::size_t>(program)];
    ids_[static_cast<std::size_t>(program)] = scheduler_.spawn(made.who, time, [this, program] {
      int number = 0;
      for (const Op& op : programs_[static_cast<std::size_t>(program)].ops) {
        const int result = act(op);
        note({.program = program, .op = number++, .result = result});
      }
    });
  }

  int act(const Op& op) {
    Scheduler& s = scheduler_;
    const Picoseconds then = s.now() + Picoseconds(op.delay);
    const Picoseconds deadline = op.delay < 0 ? kNever : then;
    switch (op.kind) {
      case Op::kAdvance:
        s.advance(Picoseconds(op.delay));
        break;
      case Op::kEvent:
        s.at(then, op.who, [this, target = op.target, number = event_steps_++] {
          note({.program = target, .op = kEventSteps + number});
          scheduler_.wake(id(target), scheduler_.now());
        });
        break;
      case Op::kWake:
        s.wake(id(op.target), then);
        break;
      case Op::kPark:
        return static_cast<int>(s.park_until(deadline, Waiting()));
      case Op::kSpawn:
        spawn(op.target, then);
        break;
      case Op::kJoin:
        return static_cast<int>(s.join(id(op.target), deadline));
      case Op::kCancel:
        s.cancel(id(op.target));
        break;
    }
    return 0;
  }

  const std::vector<Program>& programs_;
  std::vector<FibreId> ids_;
  std::vector<Step> steps_;
  int event_steps_ = 0;
  Scheduler scheduler_;
};

void expect_same(std::uint64_t seed, const Scheduler::Options& options) {
  const std::vector<Program> programs = Generator(seed).programs();
  const auto expected = run_by_reference(programs, Placement(options.reorder_seed));
  const auto found = Execution(programs, options).run();
  if (found == expected) return;
  std::size_t at = 0;
  while (at < found.size() && at < expected.size() && found[at] == expected[at]) ++at;
  ADD_FAILURE() << "seed " << seed << ": step " << at << " is\n  "
                << (at < found.size() ? testing::PrintToString(found[at]) : "missing")
                << "\n  and must be\n  "
                << (at < expected.size() ? testing::PrintToString(expected[at]) : "absent");
}

constexpr Scheduler::Options kSmall{.stack_bytes = 64 << 10};

TEST(RandomPrograms, DoWhatTheReferenceDoes) {
  for (std::uint64_t seed = 0; seed < (test::kSanitized ? 100 : 2000); ++seed)
    expect_same(seed, kSmall);
}

TEST(RandomPrograms, DoWhatTheReferenceDoesUnderHostileOrders) {
  for (std::uint64_t seed = 0; seed < (test::kSanitized ? 50 : 1000); ++seed) {
    Scheduler::Options options = kSmall;
    options.reorder_seed = seed * 7919;
    expect_same(seed, options);
  }
}

}  // namespace
}  // namespace tutti::ub
