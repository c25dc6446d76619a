#include "bootstrap/unique_id.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <tutti/error.hpp>

namespace tutti {
namespace {

tuttiUniqueId make_id() {
  UniqueId id;
  id.port = 4711;
  id.address = {127, 0, 0, 1};
  id.secret = make_secret();
  return pack(id);
}

tuttiResult_t code_of(const tuttiUniqueId& id) {
  try {
    unpack(id);
  } catch (const Error& error) {
    return error.code();
  }
  return tuttiSuccess;
}

TEST(UniqueId, SurvivesPackingAndText) {
  const tuttiUniqueId id = make_id();
  const tuttiUniqueId again = decode(encode(id));
  EXPECT_EQ(std::memcmp(&id, &again, sizeof(id)), 0);
  EXPECT_EQ(address_of(unpack(again)), "127.0.0.1:4711");
  EXPECT_EQ(unpack(again).secret, unpack(id).secret);
}

TEST(UniqueId, SecretsDiffer) { EXPECT_NE(make_secret(), make_secret()); }

TEST(UniqueId, DamageIsAnInvalidArgument) {
  EXPECT_EQ(code_of(make_id()), tuttiSuccess);
  EXPECT_EQ(code_of(tuttiUniqueId{}), tuttiInvalidArgument);
  // Magic, version, family, a byte that must be zero.
  for (const std::size_t position : {0U, 8U, 12U, 127U}) {
    tuttiUniqueId id = make_id();
    id.internal[position] = static_cast<char>(id.internal[position] ^ 0x55);
    EXPECT_EQ(code_of(id), tuttiInvalidArgument) << "byte " << position;
  }
}

TEST(UniqueId, NobodysAddressIsNone) {
  UniqueId id = unpack(make_id());
  id.address = {10, 0, 0, 1};
  EXPECT_EQ(code_of(pack(id)), tuttiSuccess);
  EXPECT_EQ(address_of(id), "10.0.0.1:4711");
  id.family = UniqueId::kIpv6;
  id.address = {};
  EXPECT_EQ(code_of(pack(id)), tuttiInvalidArgument);
  id.address.back() = 1;
  EXPECT_EQ(code_of(pack(id)), tuttiSuccess);
  EXPECT_EQ(address_of(id), "[::1]:4711");
  id.port = 0;
  EXPECT_EQ(code_of(pack(id)), tuttiInvalidArgument);
}

TEST(UniqueId, TextThatIsNoIdIsAnInvalidArgument) {
  std::string hex = encode(make_id());
  EXPECT_THROW(decode(""), Error);
  EXPECT_THROW(decode(hex.substr(1)), Error);
  EXPECT_THROW(decode(std::string(256, '0')), Error);
  hex[17] = 'g';
  EXPECT_THROW(decode(hex), Error);
}

}  // namespace
}  // namespace tutti
