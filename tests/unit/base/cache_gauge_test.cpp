#include "base/cache_gauge.hpp"

#include <gtest/gtest.h>

namespace tutti {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;  // a tick is a nanosecond
constexpr std::size_t kLines = CacheGauge::kStretchLines;

// Judges stretches of this many ticks a line, one after another from `start`, until `end` or until
// the caches are far. Returns when the last one ended.
std::uint64_t judge(CacheGauge& gauge, std::uint64_t start, std::uint64_t end,
                    std::uint64_t per_line) {
  const std::uint64_t stretch = kLines * per_line;
  for (; start < end; start += stretch) {
    if (gauge.judge(start, start + stretch, kLines)) return start + stretch;
  }
  return start;
}

TEST(CacheGauge, QuickStoresAreNeverFar) {
  CacheGauge gauge(TickScale::of_nanoseconds());
  EXPECT_FALSE(gauge.far(0));
  EXPECT_GE(judge(gauge, 0, kMillisecond, 10), kMillisecond) << "judged to the end";
  EXPECT_FALSE(gauge.far(kMillisecond));
}

TEST(CacheGauge, SlowStoresAreFarAfterOneSample) {
  CacheGauge gauge(TickScale::of_nanoseconds());
  const std::uint64_t found = judge(gauge, 0, kMillisecond, 16);
  EXPECT_EQ(found, CacheGauge::kSampleLines * 16);
  EXPECT_TRUE(gauge.far(found));
  EXPECT_TRUE(gauge.far(found + kMillisecond / 2));
  EXPECT_FALSE(gauge.far(found + kMillisecond)) << "somebody looks again";
}

TEST(CacheGauge, AnInterruptAmongQuickStoresIsNotFar) {
  CacheGauge gauge(TickScale::of_nanoseconds());
  std::uint64_t now = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t took = i % 4 == 2 ? 10 * kMillisecond : kLines * 2;
    EXPECT_FALSE(gauge.judge(now, now + took, kLines)) << i;
    now += took;
  }
}

TEST(CacheGauge, PausesGrowWhileItStaysFarAndShrinkWhenItWasNear) {
  CacheGauge gauge(TickScale::of_nanoseconds());
  std::uint64_t now = 0;
  for (const std::uint64_t pause : {1u, 2u, 4u, 8u, 16u, 16u}) {
    now = judge(gauge, now, now + kMillisecond, 16);
    EXPECT_TRUE(gauge.far(now + pause * kMillisecond - 1)) << pause;
    EXPECT_FALSE(gauge.far(now + pause * kMillisecond)) << pause;
    now += pause * kMillisecond;
  }
  now = judge(gauge, now, now + kMillisecond, 2);
  now = judge(gauge, now, now + kMillisecond, 16);
  EXPECT_TRUE(gauge.far(now));
  EXPECT_FALSE(gauge.far(now + kMillisecond));
}

}  // namespace
}  // namespace tutti
