// What tutti/sim.h asks of the simulation whose rank calls: a fibre of this process, or the rank
// that this process is.
#pragma once

#include <chrono>

#include "base/context.hpp"
#include "base/fibre_host.hpp"
#include "transports/ub/engine/time.hpp"
#include "transports/ub/model/rate.hpp"

namespace tutti::ub {

class SimulatedRank {
 public:
  // Of whoever calls; nullptr: it is none.
  static SimulatedRank* current() noexcept {
    return dynamic_cast<SimulatedRank*>(current_context().host);
  }

  virtual Picoseconds time() = 0;
  // The caller computes for so long, which is not negative and at most kLongestTime.
  virtual void compute(Picoseconds time) = 0;

 protected:
  ~SimulatedRank() = default;
};

}  // namespace tutti::ub
