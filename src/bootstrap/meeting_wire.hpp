// What travels between a rank and the meeting. Same host, hence the machine's byte order.
//
//   rank -> meeting                       meeting -> rank
//   Hello (64 bytes)                      Header{kWelcome}, or Header{kRefused} + sentence and the
//   end Header{kGather, timeout} + blob       Header{kGathered} + blobs of all ranks in rank order,
//                                         or Header{kFailed} + Failure and the end
//   Header{kGoodbye}, then closes
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tutti::wire {

constexpr std::uint64_t kHelloMagic = 0x304c4c45'48545554;  // "TUTHELL0"

struct Hello {
  std::uint64_t magic = kHelloMagic;
  std::array<std::uint8_t, 16> secret{};
  std::int32_t rank = 0;
  std::int32_t ranks = 0;
  std::array<std::uint8_t, 32> zero{};
};
static_assert(sizeof(Hello) == 64);

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
