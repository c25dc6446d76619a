// When it is whose turn: a time and, among equals, a place. The place is the entity's, or a
// permutation of it that a seed and the time choose.
#pragma once

#include <cstdint>
#include <optional>

#include "transports/ub/engine/entity.hpp"
#include "transports/ub/engine/mix.hpp"
#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

// A deadline that never comes.
inline constexpr Picoseconds kNever = Picoseconds::max();

// Smaller goes first: by time, place and order of insertion. What has the turn is a number to its
// owner.
struct Turn {
  Picoseconds time = kNever;
  std::uint32_t place = ~std::uint32_t{0};
  std::uint32_t item = ~std::uint32_t{0};
  std::uint64_t inserted = ~std::uint64_t{0};

  // Without branches: which of two turns is first is as good as random.
  friend constexpr bool operator<(const Turn& a, const Turn& b) noexcept {
    const int by_number = static_cast<int>(a.inserted < b.inserted);
    const int by_place =
        static_cast<int>(a.place < b.place) | (static_cast<int>(a.place == b.place) & by_number);
    return (static_cast<int>(a.time < b.time) | (static_cast<int>(a.time == b.time) & by_place)) !=
           0;
  }
};
static_assert(sizeof(Turn) == 24);

// Gives entities their place among those with an equal time. With a seed the order is another one
// at every time, the same for the same seed: hostile to programs that only work by luck. Different
// entities never share a place, so that each one's own insertions stay in order.
class Placement {
 public:
  explicit Placement(std::optional<std::uint64_t> seed = {}) noexcept
      : shuffled_(seed.has_value()), seed_(seed.value_or(0)) {}

  std::uint32_t place(Picoseconds time, const Entity& who) const noexcept {
    if (!shuffled_) [[likely]] {
      return who.code();
    }
    const std::uint64_t key = mix64(seed_ ^ mix64(static_cast<std::uint64_t>(time.count())));
    return permute32(who.code() ^ static_cast<std::uint32_t>(key)) ^
           static_cast<std::uint32_t>(key >> 32);
  }

 private:
  bool shuffled_;
  std::uint64_t seed_;
};

}  // namespace tutti::ub
