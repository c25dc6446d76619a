// Vector clocks of fibres. Each counts what it tells others; what it knows of them came by what
// they told.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace tutti::ub {

using Tick = std::uint32_t;

class VectorClock {
 public:
  Tick of(std::uint32_t fibre) const noexcept {
    return fibre < ticks_.size() ? ticks_[fibre] : Tick{0};
  }
  void raise(std::uint32_t fibre, Tick tick) {
    if (fibre >= ticks_.size()) ticks_.resize(fibre + 1);
    ticks_[fibre] = std::max(ticks_[fibre], tick);
  }
  void join(const VectorClock& other) {
    if (other.ticks_.size() > ticks_.size()) ticks_.resize(other.ticks_.size());
    for (std::size_t i = 0; i < other.ticks_.size(); ++i) {
      ticks_[i] = std::max(ticks_[i], other.ticks_[i]);
    }
  }
  bool covers(const VectorClock& other) const noexcept {
    for (std::size_t i = 0; i < other.ticks_.size(); ++i) {
      if (of(static_cast<std::uint32_t>(i)) < other.ticks_[i]) return false;
    }
    return true;
  }
  // What all of them know; `first` begins it.
  void meet(const VectorClock& other) {
    for (std::size_t i = 0; i < ticks_.size(); ++i) {
      ticks_[i] = std::min(ticks_[i], other.of(static_cast<std::uint32_t>(i)));
    }
  }
  std::size_t bytes() const noexcept { return sizeof(*this) + ticks_.size() * sizeof(Tick); }

 private:
  std::vector<Tick> ticks_;  // [fibre]
};

// What a fibre tells at one time: all that it knew, and its own tick. Whoever has joined it is
// behind everything that the fibre did up to that tick. Fibres that tell many peers in a row share
// the clock.
struct Stamp {
  std::shared_ptr<const VectorClock> known;
  std::uint32_t fibre = 0;
  Tick tick = 0;  // 0: nothing was told
};

}  // namespace tutti::ub
