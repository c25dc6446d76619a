// Copies into memory that peers read in place and that is written again and again: staging.
// Ordinary stores while the peers' caches are near, streaming ones while they are far, as the
// copies themselves find out (base/cache_gauge.hpp). What dispatch delivers has
// moe/store_trials.hpp.
//
// Measured on two cores, each writing what the other then reads, nanoseconds a line written / read:
//              one third-level cache            two
//   32 KiB     ordinary 9 / 2, streaming 4 / 7     ordinary 35 / 5, streaming 1.6 / 6
//   2 MiB      ordinary 1.5 / 1.5, streaming 5 / 5 ordinary 28 / 3, streaming 2.3 / 3
// Prefetching for write changed nothing.
#pragma once

#include <cstddef>

#include "base/cache_gauge.hpp"
#include "kernels/copy.hpp"

namespace tutti::kernels {

// One run of copies with no wait in between: a wait would be taken for slow stores.
class SharedCopy {
 public:
  // `total`: bytes that the whole operation writes. kStreamingBytes and more do not fit the caches;
  // less than a stretch is not worth reading the counter.
  SharedCopy(CacheGauge& gauge, std::size_t total)
      : gauge_(gauge),
        start_(total >= kStretchBytes ? ticks() : 0),
        streaming_(total >= kStreamingBytes || (start_ != 0 && gauge.far(start_))) {}

  void copy(std::byte* dst, const std::byte* src, std::size_t bytes) {
    while (bytes > kStretchBytes && !streaming_) {
      write(dst, src, kStretchBytes);
      dst += kStretchBytes;
      src += kStretchBytes;
      bytes -= kStretchBytes;
    }
    if (streaming_ && bytes >= kLeastStreamed) return copy_streaming(dst, src, bytes);
    write(dst, src, bytes);
  }

 private:
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kStretchBytes = CacheGauge::kStretchLines * kLine;
  // Smaller pieces are not worth the fence that ends a streaming copy.
  static constexpr std::size_t kLeastStreamed = 1024;

  void write(std::byte* dst, const std::byte* src, std::size_t bytes) {
    copy_ordinary(dst, src, bytes);
    if (streaming_) return;
    lines_ += bytes / kLine;
    if (lines_ < CacheGauge::kStretchLines) return;
    const std::uint64_t now = ticks();
    streaming_ = gauge_.judge(start_, now, lines_);
    start_ = now;
    lines_ = 0;
  }

  CacheGauge& gauge_;
  std::uint64_t start_;
  std::size_t lines_ = 0;
  bool streaming_;
};

}  // namespace tutti::kernels
