// What the 128 bytes of a tuttiUniqueId hold: where ranks meet, and the secret that lets them in.
#pragma once

#include <tutti/tutti.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bootstrap/socket_address.hpp"

namespace tutti {

using MeetingSecret = std::array<std::uint8_t, 16>;

// Little-endian.
struct UniqueId {
  static constexpr std::uint64_t kMagic = 0x31444949'54545554;  // "TUTTIID1"
  static constexpr std::uint32_t kVersion = 1;
  enum Family : std::uint16_t {
    kMemory = 1,  // of a simulation (memory_meetings.hpp); `address` begins with its number
    kIpv4 = 4,
    kIpv6 = 6
  };

  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint16_t family = kIpv4;
  std::uint16_t port = 0;
  std::array<std::uint8_t, 16> address{};  // network order; IPv4 uses the first 4
  MeetingSecret secret{};
  std::array<std::uint8_t, 80> zero{};
};
static_assert(sizeof(UniqueId) == TUTTI_UNIQUE_ID_BYTES);
static_assert(std::endian::native == std::endian::little, "ids travel as they lie in memory");

// 16 bytes that nobody can guess.
MeetingSecret make_secret();

// The id of a meeting there; and where an id's meeting is.
UniqueId id_of(const SocketAddress& address, const MeetingSecret& secret) noexcept;
SocketAddress address_in(const UniqueId& id) noexcept;

tuttiUniqueId pack(const UniqueId& id) noexcept;

// Of a meeting in memory, which nobody needs a secret for; and its number.
tuttiUniqueId pack_in_memory(std::uint64_t number) noexcept;
std::uint64_t number_of(const UniqueId& id) noexcept;

// tuttiInvalidArgument, saying what is wrong, for bytes that pack() did not make.
UniqueId unpack(const tuttiUniqueId& id);

// "127.0.0.1:4711", for messages.
std::string address_of(const UniqueId& id);

// The id as 256 hexadecimal digits, for environment variables, and back (tuttiInvalidArgument).
std::string encode(const tuttiUniqueId& id);
tuttiUniqueId decode(std::string_view hex);

}  // namespace tutti
