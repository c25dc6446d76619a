// Which stores dispatch takes, by what both ways were seen to take.
#include "moe/store_trials.hpp"

#include <gtest/gtest.h>

namespace tutti::moe {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 20;
constexpr Sequence kAfterTrials = 3 * StoreTrials::kTrial;

// What a dispatch and the combine after it take; no combine: 0.
struct Ticks {
  std::uint64_t dispatch, combine;
};

// A step every four operations, from `first` to `end`; counts dispatches by how they stored.
struct Counts {
  int ordinary = 0, streaming = 0, timed = 0;
};
Counts run(StoreTrials& trials, Sequence first, Sequence end, const Ticks& ordinary,
           const Ticks& streaming, std::size_t bytes = kBytes) {
  Counts counts;
  for (Sequence at = first; at < end; at += 4) {
    const StoreTrials::Way way = trials.way_of(at, bytes);
    ++(way.streaming ? counts.streaming : counts.ordinary);
    if (!way.timed) continue;
    ++counts.timed;
    const Ticks& ticks = way.streaming ? streaming : ordinary;
    trials.note_dispatch(way, ticks.dispatch);
    if (ticks.combine != 0) trials.note_combine(way, ticks.combine);
  }
  return counts;
}

bool streams_after(const Ticks& ordinary, const Ticks& streaming) {
  StoreTrials trials;
  run(trials, 0, kAfterTrials, ordinary, streaming);
  return trials.way_of(kAfterTrials, kBytes).streaming;
}

TEST(StoreTrials, BothWaysAreTriedAndNothingElseIsTimed) {
  StoreTrials trials;
  const Counts first = run(trials, 0, StoreTrials::kPeriod, {100, 100}, {100, 100});
  EXPECT_EQ(first.streaming, StoreTrials::kTrial / 4);
  EXPECT_EQ(first.timed, 2 * StoreTrials::kTrial / 4);
  EXPECT_FALSE(trials.way_of(0, kBytes).timed) << "the first steps touch everything";
}

TEST(StoreTrials, RanksTryTheSameWayAtTheSameOperations) {
  StoreTrials a, b;
  run(a, 0, kAfterTrials, {100, 100}, {10, 10});
  for (Sequence at = 0; at < 2 * StoreTrials::kPeriod; ++at) {
    const StoreTrials::Way one = a.way_of(at, kBytes), other = b.way_of(at, kBytes / 2);
    EXPECT_EQ(one.timed, other.timed) << at;
    EXPECT_TRUE(!one.timed || one.streaming == other.streaming) << at;
  }
}

TEST(StoreTrials, DispatchAndCombineCountTogether) {
  EXPECT_FALSE(streams_after({300, 200}, {280, 400})) << "quicker here, and slower for the peers";
  EXPECT_TRUE(streams_after({1000, 100}, {200, 150}));
  EXPECT_FALSE(streams_after({300, 200}, {250, 200})) << "less than an eighth";
  EXPECT_TRUE(streams_after({300, 0}, {200, 0})) << "nobody combines";
}

TEST(StoreTrials, AnInterruptedStepDoesNotDecide) {
  StoreTrials trials;
  const auto way = [&](Sequence at) { return trials.way_of(at, kBytes); };
  for (const std::uint64_t ticks : {90u, 90u, 90'000u}) {
    trials.note_dispatch(way(StoreTrials::kTrial), ticks);
    trials.note_dispatch(way(2 * StoreTrials::kTrial), 100);
  }
  EXPECT_FALSE(way(kAfterTrials).streaming);
}

TEST(StoreTrials, TheNextTrialFindsThatTheMachineHasChanged) {
  StoreTrials trials;
  run(trials, 0, kAfterTrials, {100, 100}, {200, 200});
  EXPECT_FALSE(trials.way_of(StoreTrials::kPeriod - 1, kBytes).streaming);
  run(trials, StoreTrials::kPeriod, StoreTrials::kPeriod + kAfterTrials, {900, 200}, {200, 200});
  EXPECT_TRUE(trials.way_of(StoreTrials::kPeriod + kAfterTrials, kBytes).streaming);
}

TEST(StoreTrials, SizesAreApart) {
  StoreTrials trials;
  run(trials, 0, kAfterTrials, {900, 200}, {200, 200}, 16 * kBytes);
  run(trials, 0, kAfterTrials, {100, 100}, {200, 200});
  EXPECT_TRUE(trials.way_of(kAfterTrials, 16 * kBytes).streaming);
  EXPECT_TRUE(trials.way_of(kAfterTrials, 31 * kBytes).streaming);
  EXPECT_FALSE(trials.way_of(kAfterTrials, kBytes).streaming);
  EXPECT_FALSE(trials.way_of(kAfterTrials, 4 * kBytes).streaming) << "not seen yet";
}

TEST(StoreTrials, TheSmallestAndTheLargestAreTaken) {
  StoreTrials trials;
  for (Sequence at = 0; at < kAfterTrials; ++at) {
    EXPECT_FALSE(trials.way_of(at, StoreTrials::kLeast - 1).timed);
    EXPECT_FALSE(trials.way_of(at, 0).streaming);
  }
  run(trials, 0, kAfterTrials, {~std::uint64_t{0}, 1}, {1, 1}, SIZE_MAX);
  EXPECT_NO_FATAL_FAILURE(trials.way_of(kAfterTrials, SIZE_MAX));
  run(trials, 0, kAfterTrials, {~std::uint64_t{0}, 1}, {1, 1}, StoreTrials::kLeast);
  EXPECT_TRUE(trials.way_of(kAfterTrials, StoreTrials::kLeast).streaming);
}

}  // namespace
}  // namespace tutti::moe
