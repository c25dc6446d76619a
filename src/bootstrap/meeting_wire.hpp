// What travels between a rank and the meeting once both have shown that they know the secret
// (meeting_handshake.hpp). Little-endian.
//
//   rank -> meeting                       meeting -> rank
//                                         Header{kWelcome}, or Header{kRefused} + sentence and the
//   Header{kGather, timeout} + blob       end; Header{kGathered} + blobs of all ranks in rank
//   order,
//                                         or Header{kFailed} + Failure and the end
//   Header{kGoodbye}, then closes
#pragma once

#include <cstddef>
#include <cstdint>

namespace tutti::wire {

enum class Kind : std::uint32_t { kWelcome = 1, kRefused, kGather, kGathered, kFailed, kGoodbye };

struct Header {
  Kind kind = Kind::kWelcome;
  std::uint32_t timeout_ms = 0;  // kGather: how long this rank is ready to wait
  std::uint64_t bytes = 0;       // that follow
};
static_assert(sizeof(Header) == 16);

// kFailed: this, then the culprits as int32, then the sentence up to the end.
struct Failure {
  std::int32_t code = 0;
  std::int32_t culprits = 0;
};
static_assert(sizeof(Failure) == 8);

constexpr std::size_t kMostRanks = 65536;
constexpr std::uint64_t kMostBlobBytes = 1U << 20;      // one rank's contribution to one round
constexpr std::uint64_t kMostRoundBytes = 1ULL << 30;   // all ranks' together
constexpr std::uint64_t kMostSentenceBytes = 1U << 20;  // kRefused, kFailed

}  // namespace tutti::wire
