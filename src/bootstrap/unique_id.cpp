// Packing, checking and writing of unique ids.
#include "bootstrap/unique_id.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.hpp"

namespace tutti {

namespace {

int value_of_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

MeetingSecret make_secret() {
  MeetingSecret secret{};
  // Up to 256 bytes come whole, unless a signal arrives before the pool is ready.
  ssize_t got = 0;
  do {
    got = ::getrandom(secret.data(), secret.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(secret.size())) {
    fail_system("getrandom of {} bytes", secret.size());
  }
  return secret;
}

tuttiUniqueId pack(const UniqueId& id) noexcept { return std::bit_cast<tuttiUniqueId>(id); }

tuttiUniqueId pack_in_memory(std::uint64_t number) noexcept {
  UniqueId id;
  id.family = UniqueId::kMemory;
  std::memcpy(id.address.data(), &number, sizeof(number));
  return pack(id);
}

std::uint64_t number_of(const UniqueId& id) noexcept {
  std::uint64_t number = 0;
  std::memcpy(&number, id.address.data(), sizeof(number));
  return number;
}

UniqueId unpack(const tuttiUniqueId& opaque) {
  const auto id = std::bit_cast<UniqueId>(opaque);
  if (id.magic != UniqueId::kMagic) {
    fail(tuttiInvalidArgument, "the unique id was not made by tuttiGetUniqueId");
  }
  if (id.version != UniqueId::kVersion) {
    fail(tuttiInvalidArgument, "the unique id has version {}, this library reads version {}",
         id.version, UniqueId::kVersion);
  }
  const bool known_family = id.family == UniqueId::kIpv4 || id.family == UniqueId::kIpv6;
  const bool padded =
      std::all_of(id.zero.begin(), id.zero.end(), [](std::uint8_t byte) { return byte == 0; });
  if (id.family == UniqueId::kMemory && padded && id.port == 0) return id;
  if (!known_family || !padded || id.port == 0 || is_unspecified(address_in(id))) {
    fail(tuttiInvalidArgument, "the unique id is damaged: it holds no address");
  }
  return id;
}

UniqueId id_of(const SocketAddress& address, const MeetingSecret& secret) noexcept {
  UniqueId id;
  id.family = address.family;
  id.port = address.port;
  id.address = address.bytes;
  id.secret = secret;
  return id;
}

SocketAddress address_in(const UniqueId& id) noexcept {
  return {.family = id.family, .port = id.port, .bytes = id.address};
}

std::string address_of(const UniqueId& id) { return to_string(address_in(id)); }

std::string encode(const tuttiUniqueId& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * sizeof(id.internal));
  for (const char c : id.internal) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

tuttiUniqueId decode(std::string_view hex) {
  tuttiUniqueId id{};
  if (hex.size() != 2 * sizeof(id.internal)) {
    fail(tuttiInvalidArgument, "a unique id is {} hexadecimal digits, not {}",
         2 * sizeof(id.internal), hex.size());
  }
  for (std::size_t i = 0; i < sizeof(id.internal); ++i) {
    const int high = value_of_digit(hex[2 * i]);
    const int low = value_of_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      fail(tuttiInvalidArgument, "a unique id is hexadecimal digits, not '{}'",
           high < 0 ? hex[2 * i] : hex[2 * i + 1]);
    }
    id.internal[i] = static_cast<char>(high * 16 + low);
  }
  unpack(id);
  return id;
}

}  // namespace tutti
