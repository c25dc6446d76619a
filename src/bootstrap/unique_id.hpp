// What the 128 bytes of a tuttiUniqueId hold: where ranks meet, and the secret that lets them in.
#pragma once

#include <tutti/tutti.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tutti {

// In the machine's byte order: the id is used on the host that made it.
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
  std::array<std::uint8_t, 16> secret{};
  std::array<std::uint8_t, 80> zero{};
};
static_assert(sizeof(UniqueId) == TUTTI_UNIQUE_ID_BYTES);

// 16 bytes that nobody can guess.
std::array<std::uint8_t, 16> make_secret();

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
