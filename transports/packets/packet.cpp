#include "transports/packets/packet.hpp"

#include "transports/message/frame.hpp"

namespace tutti::packets {

void encode(const Packet& packet, std::span<std::byte, kPacketHeadBytes> to) noexcept {
  message::encode(packet.token, to.subspan<0, 8>());
  message::encode(packet.number, to.subspan<8, 8>());
  message::encode(packet.taken, to.subspan<16, 8>());
}

Packet decode(std::span<const std::byte, kPacketHeadBytes> from) noexcept {
  return {.token = message::decode_word(from.subspan<0, 8>()),
          .number = message::decode_word(from.subspan<8, 8>()),
          .taken = message::decode_word(from.subspan<16, 8>())};
}

}  // namespace tutti::packets
