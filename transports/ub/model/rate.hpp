// A bandwidth as the exact fraction that turns bytes into picoseconds, rounded up.
#pragma once

#include <cstdint>

#include "transports/ub/engine/time.hpp"
#include "transports/ub/model/decimal.hpp"

namespace tutti::ub {

// Times beyond this many picoseconds (26 days) stay there, so that sums of a few of them fit.
inline constexpr std::int64_t kLongestTime = INT64_MAX / 4;

class Rate {
 public:
  constexpr Rate() = default;  // takes no time
  static constexpr Rate of_GBps(Decimal value) {
    // 1 GB/s is a byte in 1000 ps; value = units / 10^9 GB/s.
    return of_fraction(Wide{1000} * static_cast<std::uint64_t>(Decimal::kScale),
                       static_cast<std::uint64_t>(value.units()));
  }

  // This rate times parts / whole; both above 0.
  constexpr Rate scaled(std::uint64_t parts, std::uint64_t whole) const {
    return of_fraction(Wide{picoseconds_} * whole, Wide{bytes_} * parts);
  }

  constexpr Picoseconds time(std::uint64_t bytes) const {
    std::uint64_t product = 0;
    if (!__builtin_mul_overflow(bytes, picoseconds_, &product) &&
        !__builtin_add_overflow(product, bytes_ - 1, &product)) {
      return clamped(divided(product));
    }
    return slow_time(bytes);
  }

  // Is this bandwidth below the other?
  friend constexpr bool operator<(const Rate& a, const Rate& b) {
    return Wide{a.picoseconds_} * b.bytes_ > Wide{b.picoseconds_} * a.bytes_;
  }
  friend constexpr bool operator==(const Rate&, const Rate&) = default;

 private:
  __extension__ using Wide = unsigned __int128;

  constexpr Rate(std::uint64_t picoseconds, std::uint64_t bytes)
      : picoseconds_(picoseconds), bytes_(bytes), reciprocal_(~std::uint64_t{0} / bytes) {}
  // Exact wherever the reduced fraction fits; beyond that, a little slower.
  static constexpr Rate of_fraction(Wide picoseconds, Wide bytes) {
    if (bytes == 0) return Rate(UINT64_MAX, 1);  // no bandwidth
    Wide common = picoseconds;
    for (Wide rest = bytes; rest != 0;) {
      const Wide next = common % rest;
      common = rest;
      rest = next;
    }
    picoseconds /= common;
    bytes /= common;
    while (((picoseconds | bytes) >> 64) != 0) {
      picoseconds = picoseconds / 2 + 1;
      bytes = bytes / 2 + (bytes == 1 ? 1 : 0);
    }
    return Rate(static_cast<std::uint64_t>(picoseconds), static_cast<std::uint64_t>(bytes));
  }
  static constexpr Picoseconds clamped(Wide picoseconds) {
    return Picoseconds(picoseconds > Wide{static_cast<std::uint64_t>(kLongestTime)}
                           ? kLongestTime
                           : static_cast<std::int64_t>(picoseconds));
  }
  // By bytes_, without a division: too small by a few at most, and those are found.
  constexpr std::uint64_t divided(std::uint64_t product) const {
    auto quotient = static_cast<std::uint64_t>(Wide{product} * reciprocal_ >> 64);
    while (product - quotient * bytes_ >= bytes_) ++quotient;
    return quotient;
  }
  constexpr Picoseconds slow_time(std::uint64_t bytes) const {
    return clamped((Wide{bytes} * picoseconds_ + (bytes_ - 1)) / bytes_);
  }

  // `bytes_` bytes take `picoseconds_`; without common divisors.
  std::uint64_t picoseconds_ = 0;
  std::uint64_t bytes_ = 1;
  std::uint64_t reciprocal_ = ~std::uint64_t{0};  // of bytes_, times 2^64, rounded down
};

}  // namespace tutti::ub
