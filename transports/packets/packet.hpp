// What travels from one process to another: a header of one size, then a part of the stream of
// frames between the two. Encoded and parsed here only.
//
//   bytes  field   all unsigned, little-endian
//   0-7    token   who sends it to whom; only members of their communicator can make it
//   8-15   number  of packets of the stream before this one; kNoNumber: it brings nothing of it
//   16-23  taken   how many packets of the other direction's stream have been taken
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tutti::packets {

struct Packet {
  static constexpr std::uint64_t kNoNumber = ~std::uint64_t{0};

  std::uint64_t token = 0;
  std::uint64_t number = kNoNumber;
  std::uint64_t taken = 0;
};

inline constexpr std::size_t kPacketHeadBytes = 24;

void encode(const Packet& packet, std::span<std::byte, kPacketHeadBytes> to) noexcept;
Packet decode(std::span<const std::byte, kPacketHeadBytes> from) noexcept;

}  // namespace tutti::packets
