// How a group's dispatches store the rows that they deliver: with ordinary stores, after which
// peers find the rows in this rank's caches, or with streaming ones, after which they find them in
// memory. Which takes less in all - here, and for the peers that read the rows in combine -
// depends on how many there are, on whose caches lie where, and on what else the machine does, and
// changes when a hypervisor moves the cores. So both are tried again and again, for a few steps, by
// all ranks at the same operations: what a rank's combine takes is due to how its peers have
// stored.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "channel/sequence.hpp"

namespace tutti::moe {

// Of any thread of the rank. What is stored only steers: all of it is relaxed.
class StoreTrials {
 public:
  // Of one dispatch, and of the combine after it.
  struct Way {
    bool streaming = false;
    bool timed = false;     // what it takes is to be noted
    std::size_t bytes = 0;  // delivered to this rank
  };

  // Numbers of operations: of a few steps, in which every dispatch goes the same way; and until
  // both are tried again. A trial of what takes five times as long costs 3 % then.
  static constexpr Sequence kTrial = 16;
  static constexpr Sequence kPeriod = 128 * kTrial;
  // Less than this many bytes are not worth looking at the counter.
  static constexpr std::size_t kLeast = std::size_t{8} << 10;

  Way way_of(Sequence dispatch, std::size_t bytes) const noexcept {
    if (bytes < kLeast) return {.bytes = bytes};
    // Not the first steps, in which everything is touched for the first time.
    const Sequence trial = dispatch % kPeriod / kTrial;
    if (trial == 1 || trial == 2) return {.streaming = trial == 2, .timed = true, .bytes = bytes};
    return {.streaming = of(bytes).prefers_streaming(), .bytes = bytes};
  }

  // Ticks (base/ticks.hpp) of storing the rows, and of reading and adding up those of peers.
  void note_dispatch(const Way& way, std::uint64_t ticks) noexcept {
    of(way.bytes).dispatch[way.streaming ? 1 : 0].add(way.bytes, ticks);
  }
  void note_combine(const Way& way, std::uint64_t ticks) noexcept {
    of(way.bytes).combine[way.streaming ? 1 : 0].add(way.bytes, ticks);
  }

 private:
  // The lesser of the last two, as one may have been interrupted, or have met the caches as the
  // other way left them. In ticks for so many bytes; 0: not known.
  class Cost {
   public:
    void add(std::size_t bytes, std::uint64_t ticks) noexcept {
      constexpr std::uint64_t kMostTicks = std::uint64_t{1} << 43;
      before_.store(last_.load(std::memory_order_relaxed), std::memory_order_relaxed);
      last_.store(std::min(ticks, kMostTicks) * (std::uint64_t{1} << 20) / bytes + 1,
                  std::memory_order_relaxed);
    }
    std::uint64_t value() const noexcept {
      const std::uint64_t last = last_.load(std::memory_order_relaxed);
      const std::uint64_t before = before_.load(std::memory_order_relaxed);
      return before == 0 ? last : std::min(last, before);
    }

   private:
    std::atomic<std::uint64_t> last_{0}, before_{0};
  };

  // Of dispatches of about as many bytes; [ordinary, streaming].
  struct Size {
    std::array<Cost, 2> dispatch, combine;

    // If it saves an eighth: the program reads the rows too, and finds those that were stored with
    // ordinary stores nearer.
    bool prefers_streaming() const noexcept {
      std::uint64_t ordinary = dispatch[0].value(), streaming = dispatch[1].value();
      if (ordinary == 0 || streaming == 0) return false;
      if (combine[0].value() != 0 && combine[1].value() != 0) {
        ordinary += combine[0].value();
        streaming += combine[1].value();
      }
      return streaming < ordinary - ordinary / 8;
    }
  };
  static constexpr std::size_t kSizes = 20;  // each twice the one before; the last and all above

  static std::size_t index(std::size_t bytes) noexcept {
    return std::min<std::size_t>(std::bit_width(bytes / kLeast), kSizes) - 1;
  }
  Size& of(std::size_t bytes) noexcept { return sizes_[index(bytes)]; }
  const Size& of(std::size_t bytes) const noexcept { return sizes_[index(bytes)]; }

  std::array<Size, kSizes> sizes_;
};

}  // namespace tutti::moe
