// Numbers of profiles are exact, and rounded up once.
#include "transports/ub/model/decimal.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "transports/ub/model/rate.hpp"

namespace tutti::ub {

namespace {

std::int64_t units(std::string_view text) {
  const auto value = Decimal::parse(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value ? value->units() : -1;
}

}  // namespace

TEST(Decimal, IsExactlyWhatIsWritten) {
  EXPECT_EQ(units("0"), 0);
  EXPECT_EQ(units("28"), 28'000'000'000);
  EXPECT_EQ(units("0.1"), 100'000'000);
  EXPECT_EQ(units("22.5"), 22'500'000'000);
  EXPECT_EQ(units("-3.000000001"), -3'000'000'001);
  EXPECT_EQ(units("1.5e3"), 1'500'000'000'000);
  EXPECT_EQ(units("1500E-3"), 1'500'000'000);
  EXPECT_EQ(units("1.50000000000000"), 1'500'000'000);
  EXPECT_EQ(units("0.000000000000e2"), 0);
  EXPECT_EQ(units("9223372036"), 9'223'372'036'000'000'000);
}

TEST(Decimal, RefusesWhatItCannotHold) {
  for (const char* text :
       {"", "-", ".5", "5.", "01", "1e", "1e+", "0x10", "1 ", "+1", "1.0000000001", "1e-10", "nan",
        "inf", "9223372037", "1e30", "99999999999999999999", "1e99999999999"}) {
    EXPECT_FALSE(Decimal::parse(text).has_value()) << text;
  }
}

TEST(Decimal, NanosecondsAreRoundedUpToPicoseconds) {
  EXPECT_EQ(nanoseconds(*Decimal::parse("1.2")), Picoseconds(1200));
  EXPECT_EQ(nanoseconds(*Decimal::parse("0.0001")), Picoseconds(1));
  EXPECT_EQ(nanoseconds(*Decimal::parse("1.000000001")), Picoseconds(1001));
  EXPECT_EQ(nanoseconds(*Decimal::parse("0")), Picoseconds(0));
}

TEST(Rate, BytesTakeTheirTimeRoundedUp) {
  const Rate rate = Rate::of_GBps(*Decimal::parse("167"));
  EXPECT_EQ(rate.time(0), Picoseconds(0));
  EXPECT_EQ(rate.time(1), Picoseconds(6));  // 5.988
  EXPECT_EQ(rate.time(167), Picoseconds(1000));
  EXPECT_EQ(rate.time(168), Picoseconds(1006));
  EXPECT_EQ(Rate::of_GBps(*Decimal::parse("0.3")).time(3), Picoseconds(10000));
  EXPECT_EQ(Rate().time(1 << 20), Picoseconds(0));
}

TEST(Rate, DividesExactly) {
  __extension__ using Wide = unsigned __int128;
  std::mt19937_64 random(5);
  for (int i = 0; i < 200'000; ++i) {
    // Gigabytes per second in billionths: the fraction of a picosecond and a byte is 10^12 to this.
    const std::uint64_t units = 1 + (random() >> (random() % 30 + 21));
    const std::string value = fmt::format("{}.{:09}", units / 1'000'000'000, units % 1'000'000'000);
    const Rate rate = Rate::of_GBps(*Decimal::parse(value));
    const std::uint64_t bytes = random() >> (random() % 44 + 20);
    const Wide exact = (Wide{bytes} * 1'000'000'000'000 + units - 1) / units;
    if (exact > Wide{static_cast<std::uint64_t>(kLongestTime)}) continue;
    ASSERT_EQ(rate.time(bytes).count(), static_cast<std::int64_t>(exact))
        << bytes << " bytes at " << value << " GB/s";
  }
}

TEST(Rate, WithoutBandwidthTakesTheLongestTime) {
  const Rate zero = Rate::of_GBps(*Decimal::parse("0"));
  for (const Rate none : {zero, zero.scaled(2, 1)}) {
    EXPECT_EQ(none.time(0), Picoseconds(0));
    EXPECT_EQ(none.time(1), Picoseconds(kLongestTime));
    EXPECT_EQ(none.time(1 << 30), Picoseconds(kLongestTime));
  }
}

TEST(Rate, ScalesExactly) {
  const Rate link = Rate::of_GBps(*Decimal::parse("28"));
  EXPECT_EQ(link.scaled(7, 1), Rate::of_GBps(*Decimal::parse("196")));
  EXPECT_EQ(link.scaled(7, 1).scaled(1, 7), link);
  EXPECT_EQ(link.scaled(3, 7), Rate::of_GBps(*Decimal::parse("12")));
  EXPECT_TRUE(link < link.scaled(8, 7));
  EXPECT_FALSE(link < link);
  // Far beyond what a fraction of 64 bits holds: slower by less than one part in 2^60.
  const Rate odd = Rate::of_GBps(*Decimal::parse("999999999.999999999"));
  EXPECT_NEAR(static_cast<double>(odd.scaled(1 << 20, 3).scaled(3, 1 << 20).time(1u << 30).count()),
              static_cast<double>(odd.time(1u << 30).count()), 1);
}

TEST(Rate, LongTimesAreExactAndTheLongestIsBounded) {
  // 2^61 is near 2.3e18 ps; 9e15 bytes at 5 GB/s are 1.8e18 ps, beyond 64 bits on the way.
  EXPECT_EQ(Rate::of_GBps(*Decimal::parse("5.000000001")).time(9'000'000'000'000'000),
            Picoseconds(1'799'999'999'640'000'001));
  EXPECT_EQ(Rate::of_GBps(*Decimal::parse("0.000000001")).time(UINT64_MAX),
            Picoseconds(kLongestTime));
}

}  // namespace tutti::ub
