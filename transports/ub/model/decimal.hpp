// A number of a profile, exactly as it is written: never a double.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

// units / 10^9. Numbers below 10^9 with up to nine digits behind the point fit.
class Decimal {
 public:
  static constexpr std::int64_t kScale = 1'000'000'000;

  // JSON's number syntax, exponents included; nothing where it is malformed, has more digits than
  // fit, or is too large.
  static std::optional<Decimal> parse(std::string_view text);
  static constexpr Decimal of_units(std::int64_t units) { return Decimal(units); }

  constexpr std::int64_t units() const noexcept { return units_; }
  constexpr bool is_whole() const noexcept { return units_ % kScale == 0; }
  constexpr std::int64_t whole() const noexcept { return units_ / kScale; }
  friend constexpr auto operator<=>(const Decimal&, const Decimal&) = default;

 private:
  constexpr explicit Decimal(std::int64_t units) : units_(units) {}
  std::int64_t units_;
};

// Rounded up to picoseconds.
constexpr Picoseconds nanoseconds(Decimal value) {
  constexpr std::int64_t kUnitsPerPicosecond = Decimal::kScale / 1000;
  return Picoseconds((value.units() + kUnitsPerPicosecond - 1) / kUnitsPerPicosecond);
}

}  // namespace tutti::ub
