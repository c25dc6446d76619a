#include "transports/packets/packet.hpp"

#include "transports/message/frame.hpp"

namespace tutti::packets {

namespace {

std::uint64_t joined(std::uint32_t low, std::uint32_t high) noexcept {
  return low | static_cast<std::uint64_t>(high) << 32;
}

}  // namespace

void encode(const Packet& packet, std::span<std::byte, kPacketHeadBytes> to) noexcept {
  message::encode(packet.token, to.subspan<0, 8>());
  message::encode(packet.number, to.subspan<8, 8>());
  message::encode(packet.taken, to.subspan<16, 8>());
  message::encode(joined(static_cast<std::uint32_t>(packet.kind), packet.count),
                  to.subspan<24, 8>());
}

void encode(const Grant& grant, std::span<std::byte, kGrantBytes> to) noexcept {
  message::encode(grant.to.address, to.subspan<0, 8>());
  message::encode(grant.to.key, to.subspan<8, 8>());
  message::encode(grant.landing, to.subspan<16, 8>());
}

std::optional<Packet> decode_packet(std::span<const std::byte, kPacketHeadBytes> from) noexcept {
  const std::uint64_t last = message::decode_word(from.subspan<24, 8>());
  const auto kind = static_cast<std::uint32_t>(last);
  if (kind < static_cast<std::uint32_t>(PacketKind::kStream) ||
      kind > static_cast<std::uint32_t>(PacketKind::kDone)) {
    return std::nullopt;
  }
  return Packet{.token = message::decode_word(from.subspan<0, 8>()),
                .number = message::decode_word(from.subspan<8, 8>()),
                .taken = message::decode_word(from.subspan<16, 8>()),
                .kind = static_cast<PacketKind>(kind),
                .count = static_cast<std::uint32_t>(last >> 32)};
}

Grant decode_grant(std::span<const std::byte, kGrantBytes> from) noexcept {
  return {.to = {.address = message::decode_word(from.subspan<0, 8>()),
                 .key = message::decode_word(from.subspan<8, 8>())},
          .landing = static_cast<std::uint32_t>(message::decode_word(from.subspan<16, 8>()))};
}

}  // namespace tutti::packets
