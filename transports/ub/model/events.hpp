// What the model asks of whoever keeps virtual time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transports/ub/engine/time.hpp"

namespace tutti::ub {

// A token that says what is due (an enum's number) and where.
constexpr std::uint64_t token_of(std::size_t stage, std::uint64_t number) {
  return std::uint64_t{stage} << 32 | number;
}
template <typename Stage>
constexpr Stage stage_of(std::uint64_t token) {
  return static_cast<Stage>(token >> 32);
}

class EventTarget {
 public:
  // `now` is the time that was asked for; it never goes back from one call to the next.
  virtual void fire(Picoseconds now, std::uint64_t token) = 0;
  // Will soon fire with that token, unless nothing comes between: may bring to the caches what it
  // will look at, and changes nothing. Each pass comes when memory has had time for the one before.
  virtual void prepare(std::uint64_t /*token*/, int /*pass*/) const noexcept {}

 protected:
  ~EventTarget() = default;
};

class ModelEvents {
 public:
  // Calls target.fire(at, token) once, when everything before `at` has happened; what is due at the
  // same time happens in the order in which it was scheduled. `at` is not before the current time.
  virtual void schedule(Picoseconds at, EventTarget& target, std::uint64_t token) = 0;

 protected:
  ~ModelEvents() = default;
};

}  // namespace tutti::ub
