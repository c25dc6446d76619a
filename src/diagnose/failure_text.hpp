// The sentence of a failed operation, built in one place, so that every rank says the same:
// "tuttiTimeout: AllReduce(count=12, float, sum), sequence 7 on "world": rank 3 did not arrive
// (stalled), transport shm". What only this rank knows follows after " | ".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tutti/error.hpp>
#include <vector>

#include "base/clock.hpp"

namespace tutti {

enum class FailureReason : std::uint8_t {
  kDead,         // its process ended
  kLeft,         // it destroyed its communicator
  kStalled,      // alive, but did not arrive before the deadline
  kMismatched,   // it called something else
  kUnreachable,  // the transport cannot reach it
  kResource,     // it ran out of something
  kProtocol      // it sent what it must not
};

struct Failure {
  tuttiResult_t code = tuttiInternalError;
  FailureReason reason = FailureReason::kProtocol;
  std::string operation;                  // operation_text(); empty: between operations
  std::optional<std::uint64_t> sequence;  // of the operation
  std::string communicator;               // its name
  std::vector<int> culprits;              // any order; listed ascending
  std::string transport;                  // its name; empty: none was involved
  std::string detail;  // a clause that says more; the same on every rank; may be empty
};

// The error that all survivors agree on: no local facts in it.
Error error_of(const Failure& failure);

// Appends " | waited 30000 ms, host a, pid 17" to a message, once: a message that has local facts
// is returned as it is. No `waited`: it is left out.
std::string with_local_facts(std::string_view message, std::optional<Nanoseconds> waited);

// "rank 3", "ranks 1, 2, 5"; runs are shortened: "ranks 0-7, 9".
std::string rank_list(std::vector<int> ranks);

// "tuttiTimeout".
const char* name_of(tuttiResult_t code) noexcept;

}  // namespace tutti
