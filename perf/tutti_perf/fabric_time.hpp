// The time of ranks that are fibres of a simulation.
#pragma once

#include <deque>

#include "perf/tutti_perf/time_keeper.hpp"
#include "transports/ub/model/port_sums.hpp"

namespace tutti::perf {

// One for all ranks of a simulation, used on its fibres.
class FabricTime final : public TimeKeeper {
 public:
  double now_us() override;
  bool is_exact() const noexcept override { return true; }
  void align() override;
  void quantise(std::size_t tokens, std::size_t bytes) override;
  void meter(std::optional<std::size_t> phase) override;
  std::optional<double> take_bound_us(std::size_t phase, std::size_t iterations) override;

 private:
  int aligned_ = 0;  // ranks that have come to the align() under way
  ub::Picoseconds target_{};
  std::deque<ub::PortSums> sums_;  // [phase]; where they lie is known to the simulation
};

}  // namespace tutti::perf
