// Hears what fibres do, for a record of the run. What it does changes nothing of the run.
#pragma once

#include <optional>

#include "transports/ub/engine/entity.hpp"
#include "transports/ub/engine/fibre.hpp"

namespace tutti::ub {

class FibreWatcher {
 public:
  // `by`: the fibre that made it, unless it was made outside of fibres.
  virtual void spawned(FibreId id, const Entity& who, Picoseconds time,
                       std::optional<FibreId> by) = 0;
  // A parked fibre goes on because of a fibre, or of the event that happens now.
  virtual void woken(FibreId id, std::optional<FibreId> by) = 0;
  // A fibre was parked, perhaps for no time, and runs again.
  virtual void waited(FibreId id, Picoseconds since, Picoseconds until) = 0;

 protected:
  ~FibreWatcher() = default;
};

}  // namespace tutti::ub
