// Hears when a transfer passes what lies on its way, for a record of the run. What it does changes
// nothing of the run.
#pragma once

#include <cstdint>

#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

// The levels `message` and `cell` say when rows are issued; ports only `message`, of transfers that
// lose nothing on the way. All is said before the sink hears of the same time.
class TransferProbe {
 public:
  // The cores start its first row at `first`, its last one at `last`.
  virtual void issued(std::uint64_t tag, Picoseconds first, Picoseconds last) = 0;
  // The egress port begins to pass it at `start`.
  virtual void took_egress(std::uint64_t tag, Picoseconds start) = 0;
  // The ingress port passes it from `start` to `end`; its tail may come later than that.
  virtual void took_ingress(std::uint64_t tag, Picoseconds start, Picoseconds end) = 0;

 protected:
  ~TransferProbe() = default;
};

}  // namespace tutti::ub
