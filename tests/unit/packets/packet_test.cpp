#include "transports/packets/packet.hpp"

#include <gtest/gtest.h>

#include <array>

namespace tutti::packets {
namespace {

TEST(Packet, ComesBackAsItWas) {
  std::array<std::byte, kPacketHeadBytes> bytes;
  encode({.token = 0x1122334455667788,
          .number = 5,
          .taken = 9,
          .kind = PacketKind::kOffer,
          .count = 0xFFFFFFFF},
         bytes);
  EXPECT_EQ(bytes[0], std::byte{0x88}) << "little-endian";
  const auto packet = decode_packet(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->token, 0x1122334455667788U);
  EXPECT_EQ(packet->number, 5U);
  EXPECT_EQ(packet->taken, 9U);
  EXPECT_EQ(packet->kind, PacketKind::kOffer);
  EXPECT_EQ(packet->count, 0xFFFFFFFFU);
}

TEST(Packet, OfAKindThatThereIsNotIsNone) {
  for (const unsigned kind : {0U, 9U, 200U}) {
    std::array<std::byte, kPacketHeadBytes> bytes{};
    bytes[24] = static_cast<std::byte>(kind);
    EXPECT_FALSE(decode_packet(bytes)) << kind;
  }
}

TEST(Grant, ComesBackAsItWas) {
  std::array<std::byte, kGrantBytes> bytes;
  encode(Grant{.to = {.address = 1ULL << 47, .key = 1ULL << 63}, .landing = 77}, bytes);
  const Grant grant = decode_grant(bytes);
  EXPECT_EQ(grant.to.address, 1ULL << 47);
  EXPECT_EQ(grant.to.key, 1ULL << 63);
  EXPECT_EQ(grant.landing, 77U);
}

}  // namespace
}  // namespace tutti::packets
