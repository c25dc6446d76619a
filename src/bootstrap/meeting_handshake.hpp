// How a rank and the meeting show each other that they know the secret of a unique id, which itself
// never travels: each proves it by HMAC over what both have said, with a random number of each.
//
//   rank                 meeting
//   Hello (64 bytes)
//                        Challenge (64); of another version: with a code of zeros, and the end
//   Proof (32)           then as in meeting_wire.hpp
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tutti/transport.hpp>

#include "bootstrap/key.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti::wire {

static_assert(std::endian::native == std::endian::little, "what travels is little-endian");

constexpr std::uint32_t kProtocolVersion = 2;
constexpr std::uint64_t kHelloMagic = 0x304c4c45'48545554;      // "TUTHELL0"
constexpr std::uint64_t kChallengeMagic = 0x304c4148'43545554;  // "TUTCHAL0"

struct Hello {
  std::uint64_t magic = kHelloMagic;
  std::uint32_t version = kProtocolVersion;
  std::int32_t rank = 0;
  std::int32_t ranks = 0;
  std::uint32_t zero = 0;
  std::array<std::byte, 32> nonce{};
  std::array<std::byte, 8> zeros{};
};
static_assert(sizeof(Hello) == 64);

struct Challenge {
  std::uint64_t magic = kChallengeMagic;
  std::uint32_t version = kProtocolVersion;
  std::uint32_t zero = 0;
  std::array<std::byte, 16> nonce{};
  Key code{};
};
static_assert(sizeof(Challenge) == 64);

using Proof = Key;

// Why a connection is no rank's.
enum class Stranger : std::uint8_t { kGarbage, kVersion, kSecret, kSilence, kLeft };
constexpr unsigned kStrangers = 5;
std::string_view describe(Stranger why) noexcept;

Key key_of(const MeetingSecret& secret);
// With a new random number.
Hello make_hello(Rank rank, int ranks);
// Of who listens; shows that it knows the key.
Challenge make_challenge(const Key& key, const Hello& hello);
bool is_genuine(const Key& key, const Hello& hello, const Challenge& challenge);
// Of who connects.
Proof proof_of(const Key& key, const Hello& hello, const Challenge& challenge);

}  // namespace tutti::wire
