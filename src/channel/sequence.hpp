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

// Has a line that shows `have` reached `want`?
constexpr bool reached(std::uint64_t have, std::uint64_t want) {
  return static_cast<std::int64_t>(have - want) >= 0;
}

// Extends the low 16 bits of a sequence number that is at most `newest`, by less than 2^16.
constexpr Sequence extend_sequence(std::uint16_t low, Sequence newest) {
  return newest - static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest) - low);
}

}  // namespace tutti
