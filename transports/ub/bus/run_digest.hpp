// Two numbers that say whether two runs were the same: what arrived when, and which bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

#include "transports/ub/bus/parcel.hpp"
#include "transports/ub/engine/digest.hpp"

namespace tutti::ub {

// Four lanes of eight bytes, so that a multiplication need not wait for the one before. `next` is
// what the caller hashes after this, or nullptr: as many bytes there are fetched meanwhile. (Rows
// of 7168 bytes all over a heap: twice as fast.)
inline std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed,
                                const std::byte* next = nullptr) noexcept {
  static_assert(std::endian::native == std::endian::little, "words are read as they lie");
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15u;
  std::uint64_t lanes[4] = {seed, seed + kOdd, seed ^ kOdd, ~seed};
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  const auto take = [&](std::size_t size) {
    std::uint64_t words[4] = {};
    std::memcpy(words, at, size);
    for (int i = 0; i < 4; ++i) lanes[i] = std::rotl((lanes[i] ^ words[i]) * kOdd, 29);
  };
  if (next != nullptr) {
    for (; left >= 2 * sizeof(lanes); left -= 2 * sizeof(lanes), next += 2 * sizeof(lanes)) {
      __builtin_prefetch(next, 0, 2);
      take(sizeof(lanes));
      at += sizeof(lanes);
      take(sizeof(lanes));
      at += sizeof(lanes);
    }
  }
  for (; left >= sizeof(lanes); left -= sizeof(lanes), at += sizeof(lanes)) take(sizeof(lanes));
  if (left > 0) take(left);
  return mix64(mix64(mix64(lanes[0] ^ bytes.size()) ^ lanes[1]) ^
               mix64(lanes[2] ^ mix64(lanes[3])));
}

class RunDigest {
 public:
  // With the time: the same run.
  void fold_arrival(Picoseconds when, const Parcel& parcel) noexcept {
    arrivals_.fold({.time = when,
                    .rank = parcel.to,
                    .kind = static_cast<std::uint32_t>(parcel.from) << 2 |
                            static_cast<std::uint32_t>(parcel.kind),
                    .bytes = parcel.bytes});
  }
  // A sum: the same bytes between the same ranks, in whatever order. Lines are not in it, because
  // they may carry addresses.
  void add_payload(int from, int to, std::uint64_t hash) noexcept {
    const auto pair = static_cast<std::uint64_t>(from) << 32 | static_cast<std::uint64_t>(to);
    payload_ += mix64(hash ^ mix64(pair));
  }

  std::uint64_t arrivals() const noexcept { return arrivals_.value(); }
  std::uint64_t payload() const noexcept { return payload_; }

 private:
  Digest arrivals_;
  std::uint64_t payload_ = 0;
};

}  // namespace tutti::ub
