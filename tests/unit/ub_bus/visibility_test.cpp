// Who looks at a time sees what has arrived by then: no less, and nothing of a peer's future.
#include <algorithm>
#include <random>

#include "bus_rank.hpp"

namespace tutti::ub::test {
namespace {

// Puts so far apart that each has the fabric to itself, looks at random times.
TEST(BusVisibility, ALookShowsExactlyWhatHasArrived) {
  constexpr std::uint64_t kPuts = 200;
  for (const auto& [profile, takes] :
       {std::pair{"ideal", ns(1) + ps(1)}, std::pair{"cloudmatrix384-wire", ns(1200) + ps(21)}}) {
    std::mt19937_64 random(7);
    std::vector<Picoseconds> starts;
    Picoseconds time{};
    for (std::uint64_t i = 0; i < kPuts; ++i) {
      time += ps(static_cast<std::int64_t>(100 + random() % 900));
      starts.push_back(time);
    }
    std::vector<std::uint64_t> values(kPuts);
    int looks = 0;
    const auto report = simulate(profile, 2, [&](BusRank& rank) {
      if (rank.rank() == 0) {
        for (std::uint64_t i = 0; i < kPuts; ++i) {
          rank.advance_to(starts[i]);
          values[i] = i + 1;
          rank.put(1, 0, std::as_bytes(std::span(&values[i], 1)));
        }
        rank.advance(us(10));
      } else {
        std::mt19937_64 own(11);
        while (rank.now() < time + us(2)) {
          rank.advance(ps(static_cast<std::int64_t>(own() % 300)));
          const auto arrived = static_cast<std::uint64_t>(
              std::upper_bound(starts.begin(), starts.end(), rank.now() - takes) - starts.begin());
          ASSERT_EQ(rank.value_at<std::uint64_t>(0), arrived) << "at " << rank.now().count();
          ++looks;
        }
      }
    });
    expect_finished(report);
    EXPECT_GT(looks, 500);
  }
}

// The owner stores a new value every nanosecond.
TEST(BusVisibility, AViewShowsTheStoresUntilItIsThereAndNoLaterOnes) {
  const auto report = simulate("cloudmatrix384-wire", 2, [&](BusRank& rank) {
    if (rank.rank() == 1) {
      for (std::uint64_t i = 1; i <= 20'000; ++i) {
        rank.advance(ns(1));
        std::memcpy(rank.data(), &i, sizeof(i));
      }
      return;
    }
    for (int i = 0; i < 10; ++i) {
      const auto seen = rank.control->view(1, BusRank::kData, 8);
      std::uint64_t value = 0;
      std::memcpy(&value, seen.data(), sizeof(value));
      EXPECT_EQ(value, static_cast<std::uint64_t>(rank.now().count() / 1000));
      rank.advance(ps(77));
    }
  });
  expect_finished(report);
}

// A rank that runs ahead in virtual time does not show its stores to who is behind.
TEST(BusVisibility, WhoIsBehindDoesNotSeeWhoIsAhead) {
  const auto report = simulate("ideal", 2, [&](BusRank& rank) {
    const std::byte one{1};
    if (rank.rank() == 0) {
      rank.advance(us(50));
      rank.put(1, 0, {&one, 1});
      rank.advance(us(1));
    } else {
      while (rank.now() < us(50)) {
        ASSERT_EQ(rank.data()[0], std::byte{0});
        rank.advance(ns(70));
      }
      rank.advance(us(1));
      EXPECT_EQ(rank.data()[0], one);
    }
  });
  expect_finished(report);
}

}  // namespace
}  // namespace tutti::ub::test
