// How far the caches are that hold what this rank writes for others: near, where ordinary stores
// cost a few nanoseconds a line, or far, where each waits until a distant cache has given its line
// up, and streaming stores, which do not wait, are many times faster. No table of the machine tells
// (a hypervisor moves the cores of a guest about), so that the copies time themselves.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/ticks.hpp"

namespace tutti {

// Used by every thread of a rank; what is stored only steers, so that all of it is relaxed and a
// stretch that gets lost between two threads does no harm.
class CacheGauge {
 public:
  // Lines written with ordinary stores between two looks at the counter: long enough not to pay for
  // them, short enough not to pay much for having to look.
  static constexpr std::size_t kStretchLines = 128;
  // The mean of this many lines decides.
  static constexpr std::size_t kSampleLines = 4 * kStretchLines;
  // Measured between two cores, a line: 1.4 to 3 ns in one third-level cache, where streaming is
  // worse, or 8 to 10 ns if the other's second-level cache holds it, where streaming is as good; 9
  // to 35 ns in two.
  static constexpr Nanoseconds kFarPerLine{11};
  // A stretch counts for no more than this: an interrupt takes as long as thousands of lines.
  static constexpr Nanoseconds kMostPerLine{20};
  // Then nobody looks for this long; twice as long after the next time, up to the longest.
  static constexpr Nanoseconds kFirstPause = std::chrono::milliseconds(1);
  static constexpr Nanoseconds kLongestPause = std::chrono::milliseconds(16);

  explicit CacheGauge(TickScale scale = TickScale::of_processor()) : scale_(scale) {}

  bool far(std::uint64_t now) const noexcept {
    return static_cast<std::int64_t>(far_until_.load(std::memory_order_relaxed) - now) > 0;
  }

  // A stretch of ordinary stores took from `start` to `end`. True: far from now on.
  bool judge(std::uint64_t start, std::uint64_t end, std::size_t lines) noexcept {
    const std::uint64_t limit = ticks_a_line();
    const std::uint64_t most =
        lines * limit * static_cast<std::uint64_t>(kMostPerLine / kFarPerLine + 1);
    const std::uint64_t time = time_.load(std::memory_order_relaxed) + std::min(end - start, most);
    const std::uint64_t sample = lines_.load(std::memory_order_relaxed) + lines;
    const bool enough = sample >= kSampleLines;
    time_.store(enough ? 0 : time, std::memory_order_relaxed);
    lines_.store(enough ? 0 : sample, std::memory_order_relaxed);
    if (!enough) return false;
    if (time <= sample * limit) {
      if (pause_.load(std::memory_order_relaxed) != 0) pause_.store(0, std::memory_order_relaxed);
      return false;
    }
    const std::uint64_t before = pause_.load(std::memory_order_relaxed);
    const std::uint64_t pause = before == 0 ? scale_.ticks_in(kFirstPause)
                                            : std::min(2 * before, scale_.ticks_in(kLongestPause));
    pause_.store(pause, std::memory_order_relaxed);
    far_until_.store(end + pause, std::memory_order_relaxed);
    return true;
  }

 private:
  // Known from the first look on.
  std::uint64_t ticks_a_line() noexcept {
    std::uint64_t known = limit_.load(std::memory_order_relaxed);
    if (known == 0) [[unlikely]] {
      known = scale_.ticks_in(kFarPerLine) + 1;
      limit_.store(known, std::memory_order_relaxed);
    }
    return known;
  }

  TickScale scale_;
  std::atomic<std::uint64_t> limit_{0};
  std::atomic<std::uint64_t> time_{0};  // of the sample under way, and its lines
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> far_until_{0};
  std::atomic<std::uint64_t> pause_{0};  // the last one; 0: a near sample came after it
};

}  // namespace tutti
