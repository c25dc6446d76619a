// What travels from one process to another: a header of one size, then a part of the stream of
// frames between the two, or what is said about a write. Encoded and parsed here only.
//
//   bytes  field   all unsigned, little-endian
//   0-7    token   who sends it to whom; only members of their communicator can make it
//   8-15   number  kStream, kOffer: of packets of the stream before this one; otherwise the offer's
//   16-23  taken   how many packets of the other direction's stream have been taken
//   24-27  kind    PacketKind
//   28-31  count   kOffer: of writes; kFailed: the landing's number; otherwise zero
//
// Behind the header of a kGrant:
//   0-7    address of the first byte for who writes there
//   8-15   key
//   16-19  landing  the number that writes there carry
//   20-23  zero
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "transports/packets/fabric.hpp"

namespace tutti::packets {

enum class PacketKind : std::uint32_t {
  kStream = 1,
  kOffer,      // of the stream too: the content of the frame whose head ends it is to be written
  kSign,       // the sender is there
  kGrant,      // what was offered may be written, there
  kRefusal,    // it may not: its content comes with the next packets of the stream
  kWithdrawn,  // it is not written, though it may be: as after a refusal
  kFailed,     // its writing there has failed: is it there, and if not, where may it be written?
  kDone        // it is there
};

struct Packet {
  std::uint64_t token = 0;
  std::uint64_t number = 0;
  std::uint64_t taken = 0;
  PacketKind kind = PacketKind::kStream;
  std::uint32_t count = 0;

  bool is_of_stream() const noexcept {
    return kind == PacketKind::kStream || kind == PacketKind::kOffer;
  }
};

struct Grant {
  RemoteAddress to;
  std::uint32_t landing = 0;
};

inline constexpr std::size_t kPacketHeadBytes = 32;
inline constexpr std::size_t kGrantBytes = 24;

void encode(const Packet& packet, std::span<std::byte, kPacketHeadBytes> to) noexcept;
void encode(const Grant& grant, std::span<std::byte, kGrantBytes> to) noexcept;
// Nothing, for a packet of a kind that there is not.
std::optional<Packet> decode_packet(std::span<const std::byte, kPacketHeadBytes> from) noexcept;
Grant decode_grant(std::span<const std::byte, kGrantBytes> from) noexcept;

}  // namespace tutti::packets
