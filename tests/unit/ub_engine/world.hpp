// A scheduler whose owner remembers what it was told.
#pragma once

#include <exception>
#include <span>
#include <string>
#include <vector>

#include "transports/ub/engine/scheduler.hpp"

namespace tutti::ub {

inline constexpr Picoseconds ps(std::int64_t count) { return Picoseconds(count); }

struct Failure {
  Entity who;
  std::string what;
};

class World final : public SchedulerOwner {
 public:
  explicit World(const Scheduler::Options& options = {}) : scheduler(options, *this) {}

  void fibre_failed(FibreId, const Entity& who, std::exception_ptr why) override {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      failures.push_back({who, error.what()});
    } catch (...) {
      failures.push_back({who, "not a std::exception"});
    }
  }
  void deadlocked(std::span<const ParkedFibre> parked) override {
    deadlocks.emplace_back(parked.begin(), parked.end());
  }

  template <typename Body>
  FibreId spawn(int rank, Body&& body, int stream = 0) {
    return scheduler.spawn({.rank = rank, .stream = stream}, scheduler.now(),
                           std::forward<Body>(body));
  }

  std::vector<Failure> failures;
  std::vector<std::vector<ParkedFibre>> deadlocks;
  Scheduler scheduler;  // last: its fibres may use all of this while they are ended
};

// Says what it was made with.
class Waiting final : public ParkSubject {
 public:
  explicit Waiting(std::string what = "something") : what_(std::move(what)) {}
  std::string describe() const override { return what_; }

 private:
  std::string what_;
};

}  // namespace tutti::ub
