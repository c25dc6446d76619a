// A scheduler as the library sees it: what ranks and streams that are its fibres wait through.
#pragma once

#include <set>
#include <vector>

#include "base/fibre_host.hpp"
#include "transports/ub/engine/scheduler.hpp"

namespace tutti::ub {

// Made before its scheduler, whose Options name it:
//
//   SchedulerHost host{scheduler};  // keeps the reference only
//   Scheduler scheduler{{.host = &host}, owner};
//
// A rank's streams are numbered from 1 in the order in which they are spawned; a number is free
// again when its fibre has ended, and the smallest free one is taken. Both happen in virtual time,
// so a program has the same numbers each time.
class SchedulerHost : public FibreHost {
 public:
  explicit SchedulerHost(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
  SchedulerHost(const SchedulerHost&) = delete;
  SchedulerHost& operator=(const SchedulerHost&) = delete;

  Nanoseconds now() noexcept override;  // rounded down
  Fibre current() override;
  // A cancelled fibre's park returns early too; whoever cancels sees to what it finds.
  void park(Nanoseconds deadline, std::string_view what) override;
  void pass(Nanoseconds time) override { scheduler_.advance(time); }
  bool ending() noexcept override { return scheduler_.ending(); }
  void wake(Fibre fibre) override;
  // tuttiInvalidUsage with more streams of a rank at once than an Entity has numbers.
  Fibre spawn(std::function<void()> body) override;
  void join(Fibre fibre) override;

 private:
  // The numbers of a rank's streams that have been used.
  struct Streams {
    int next = 1;
    std::set<int> free;
  };
  class Number;

  Streams& streams_of(int rank);

  Scheduler& scheduler_;
  std::vector<Streams> streams_;  // by rank + 1
};

}  // namespace tutti::ub
