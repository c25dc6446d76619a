// Who knows the time of the ranks that measure: the machine, or the simulation that they are in.
#pragma once

#include <cstddef>
#include <optional>

#include "perf/common/stopwatch.hpp"

namespace tutti::perf {

class TimeKeeper {
 public:
  virtual ~TimeKeeper() = default;
  // Of the rank that calls, from an arbitrary start.
  virtual double now_us() = 0;
  // Has its clock no grain, so that a sample need not last?
  virtual bool is_exact() const noexcept = 0;
  // Where time is virtual: returns at the same time on all ranks, which all call it after a
  // barrier.
  virtual void align() = 0;
  // The rank that calls quantises so many tokens of so many bytes, where that is not real: times of
  // quantised rows include it.
  virtual void quantise(std::size_t tokens, std::size_t bytes) = 0;
  // What the rank that calls sends from now on belongs to `phase`; nullopt: to none.
  virtual void meter(std::optional<std::size_t> phase) = 0;
  // How long the busiest port needs for what all ranks sent in `phase`, split evenly over
  // `iterations`; begins anew. Nullopt where there are no such ports. On one rank, when none
  // meters.
  virtual std::optional<double> take_bound_us(std::size_t phase, std::size_t iterations) = 0;
};

class WallTime final : public TimeKeeper {
 public:
  double now_us() override { return perf::now_us(); }
  bool is_exact() const noexcept override { return false; }
  void align() override {}
  void quantise(std::size_t, std::size_t) override {}
  void meter(std::optional<std::size_t>) override {}
  std::optional<double> take_bound_us(std::size_t, std::size_t) override { return std::nullopt; }
};

}  // namespace tutti::perf
