// Ranks that are fibres of one scheduler, whose host sees to it that nobody who waits holds a
// mutex.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "held_mutexes.hpp"
#include "transports/ub/engine/scheduler_host.hpp"

namespace tutti::test {

using namespace std::chrono_literals;

class CheckedHost final : public FibreHost {
 public:
  explicit CheckedHost(FibreHost& host) : host_(host) {}

  Nanoseconds now() noexcept override { return host_.now(); }
  Fibre current() override { return host_.current(); }
  void park(Nanoseconds deadline, std::string_view what) override {
    check();
    host_.park(deadline, what);
  }
  void pass(Nanoseconds time) override {
    check();
    host_.pass(time);
  }
  bool ending() noexcept override { return host_.ending(); }
  void wake(Fibre fibre) override { host_.wake(fibre); }
  Fibre spawn(std::function<void()> body) override { return host_.spawn(std::move(body)); }
  void join(Fibre fibre) override {
    check();
    host_.join(fibre);
  }

 private:
  static void check() { EXPECT_EQ(held_mutexes(), 0) << "held while a fibre waits"; }

  FibreHost& host_;
};

class FibreWorld final : public ub::SchedulerOwner {
 public:
  using End = ub::Scheduler::End;

  void fibre_failed(ub::FibreId, const ub::Entity& who, std::exception_ptr why) override {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      ADD_FAILURE() << to_string(who) << ": " << error.what();
    }
  }
  void deadlocked(std::span<const ub::ParkedFibre> parked) override {
    for (const ub::ParkedFibre& fibre : parked) {
      deadlock.push_back(to_string(fibre.who) + ": " + fibre.waits_for);
    }
  }

  // Runs body() as rank `rank` from `start` on.
  template <typename Body>
  void rank(int rank, Body body, Nanoseconds start = 0ns) {
    scheduler.spawn({.rank = rank}, scheduler.now() + start, std::move(body));
  }
  // Of a fibre: it works for that long.
  void work(Nanoseconds time) { scheduler.advance(time); }
  Nanoseconds now() { return host.now(); }
  // False: some wait for ever.
  bool run() { return scheduler.run() == End::kFinished; }

  std::vector<std::string> deadlock;  // all that were reported

 private:
  ub::SchedulerHost inner_{scheduler};

 public:
  CheckedHost host{inner_};
  ub::Scheduler scheduler{{.host = &host}, *this};  // last: fibres use all of this
};

}  // namespace tutti::test
