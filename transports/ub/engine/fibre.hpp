// What users of the scheduler know of a fibre: its name, why it goes on after waiting, and what it
// says it waits for.
#pragma once

#include <cstdint>
#include <string>

#include "transports/ub/engine/turn.hpp"

namespace tutti::ub {

// Names a fibre of one scheduler for ever: the record at `index` is used again, with another
// `generation`.
struct FibreId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0: no fibre

  explicit operator bool() const noexcept { return generation != 0; }
  friend bool operator==(const FibreId&, const FibreId&) = default;
};

// Why a fibre that parked goes on.
enum class Wake : std::uint8_t {
  kWoken,     // look again at what you wait for: it may be there
  kDeadline,  // and nobody woke it
  kCancelled
};

// What a parked fibre waits for, in words for the report of a deadlock: "line 7 of rank 3, in
// all_reduce 12". Asked while the fibre is parked; the answer must not park.
class ParkSubject {
 public:
  virtual ~ParkSubject() = default;
  virtual std::string describe() const = 0;
};

// A line of that report.
struct ParkedFibre {
  FibreId id;
  Entity who;
  Picoseconds since{};
  Picoseconds deadline = kNever;
  std::string waits_for;
};

}  // namespace tutti::ub
