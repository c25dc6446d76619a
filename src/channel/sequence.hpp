// The arithmetic of line values: a sequence number times 2^16, plus a step inside the operation.
// Steps may pass 2^16: a line belongs to a slot, whose next operation is `depth` sequences away.
// Everything compares modulo 2^64, so that sequences may wrap.
#pragma once

#include <cstdint>

namespace tutti {

// Operations of a communicator are numbered in issue order, the same on every rank.
using Sequence = std::uint64_t;

constexpr std::uint64_t line_value(Sequence sequence, unsigned step = 0) {
  return (sequence << 16) + step;
}

// The same for the lines of a message between two ranks, where the message is a number among those
// of its pair and a slot is used again two messages later: 2^31 steps fit. kAllSteps is the last.
constexpr std::uint64_t pair_value(Sequence message, std::uint64_t step = 0) {
  return (message << 32) + step;
}
inline constexpr std::uint64_t kAllSteps = std::uint64_t{1} << 31;

// Has a line that shows `have` reached `want`?
constexpr bool reached(std::uint64_t have, std::uint64_t want) {
  return static_cast<std::int64_t>(have - want) >= 0;
}

// Extends the low 16 bits of a sequence number that is at most `newest`, by less than 2^16.
constexpr Sequence extend_sequence(std::uint16_t low, Sequence newest) {
  return newest - static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest) - low);
}

}  // namespace tutti
