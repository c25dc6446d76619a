// One read or write of a range of memory, as the race checker keeps it.
#pragma once

#include <cstdint>

#include "transports/ub/engine/time.hpp"
#include "transports/ub/race/clock.hpp"

namespace tutti::ub {

enum class AccessKind : std::uint8_t {
  kNone,
  // Writes.
  kStore,  // by the library, on the rank itself
  kPut,    // from its start to its arrival
  kPost,   // the same, of a line
  kUser,   // memory is the user's, who may write it
  kGiven,  // memory of the heap is given out, or given back
  // Reads.
  kLoad,     // by the library, on the rank itself; maybe through a view
  kView,     // from its start to its end
  kGet,      // the same
  kSource,   // of a put: from its start until it has left
  kContent,  // of a line: from the wait to the end of the operation
};

inline constexpr std::uint32_t kNoFlow = ~std::uint32_t{0};

struct MemoryAccess {
  AccessKind kind = AccessKind::kNone;
  std::int32_t rank = 0;   // of the simulation: whose fibre it is
  std::int32_t owner = 0;  // whose memory
  std::uint32_t fibre = 0;
  Tick tick = 0;
  std::uint32_t call = 0;
  // What arrives by itself: the number of a put, a source or a post among all of its flow.
  std::uint32_t flow = kNoFlow;
  std::uint32_t number = 0;
  Picoseconds when{};

  bool writes() const noexcept { return kind >= AccessKind::kStore && kind <= AccessKind::kGiven; }
  // Does a rank reach the memory of another by it?
  bool remote() const noexcept {
    return kind == AccessKind::kPut || kind == AccessKind::kPost || kind == AccessKind::kView ||
           kind == AccessKind::kGet;
  }
};

}  // namespace tutti::ub
