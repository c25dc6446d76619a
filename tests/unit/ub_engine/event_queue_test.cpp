#include "transports/ub/engine/event_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <stdexcept>
#include <tuple>

namespace tutti::ub {
namespace {

void run_all(EventQueue& queue) {
  while (!queue.empty()) queue.run_first();
}

TEST(EventQueue, SmallerTimesGoFirstThenSmallerPlacesThenEarlierPushes) {
  for (const std::uint32_t first_number : {0u, ~0u - 5, ~0u - 100, ~0u}) {
    EventQueue queue(first_number);
    std::mt19937 random(7);
    using Pushed = std::tuple<std::int64_t, std::uint32_t, int>;  // time, place, number of push
    std::vector<Pushed> pushed, ran;
    for (int i = 0; i < 2000; ++i) {
      const Pushed one{random() % 20, random() % 5, i};
      pushed.push_back(one);
      queue.push(Picoseconds(std::get<0>(one)), std::get<1>(one),
                 [&ran, one] { ran.push_back(one); });
    }
    run_all(queue);
    std::sort(pushed.begin(), pushed.end());
    EXPECT_EQ(ran, pushed) << "numbers begin at " << first_number;
  }
}

TEST(EventQueue, OrderHoldsWhilePushesAndPopsAlternateAcrossTheWrapOfNumbers) {
  EventQueue queue(~0u - 300);
  std::mt19937 random(11);
  std::int64_t now = 0;
  std::tuple<std::int64_t, std::uint32_t, int> last{-1, 0, 0};
  int pushes = 0;
  const auto push = [&] {
    const std::tuple<std::int64_t, std::uint32_t, int> one{now + 1 + random() % 8, random() % 3,
                                                           ++pushes};
    queue.push(Picoseconds(std::get<0>(one)), std::get<1>(one), [one, &now, &last] {
      EXPECT_LT(last, one);
      last = one;
      now = std::get<0>(one);
    });
  };
  for (int i = 0; i < 50; ++i) push();
  for (int i = 0; i < 5000; ++i) {
    queue.run_first();
    push();
  }
  run_all(queue);
  EXPECT_EQ(std::get<2>(last) > 0, true);
}

TEST(EventQueue, WithoutEntriesFirstIsNever) {
  EventQueue queue;
  EXPECT_EQ(queue.first().time, kNever);
  queue.push(Picoseconds(3), 0, [] {});
  EXPECT_EQ(queue.first().time, Picoseconds(3));
  queue.run_first();
  EXPECT_EQ(queue.first().time, kNever);
}

TEST(EventQueue, ACallbackMayPushOthers) {
  EventQueue queue;
  int left = 5000;  // more than a chunk of the pool at once
  std::vector<int> ran;
  queue.push(Picoseconds(0), 0, [&] {
    while (left-- > 0) queue.push(Picoseconds(1), 0, [&ran] { ran.push_back(1); });
  });
  run_all(queue);
  EXPECT_EQ(ran.size(), 5000u);
}

TEST(EventQueue, CapturesAreDestroyedWhetherTheyRunThrowOrAreDropped) {
  auto token = std::make_shared<int>(0);
  {
    EventQueue queue;
    queue.push(Picoseconds(1), 0, [token] {});
    queue.push(Picoseconds(2), 0, [token] { throw std::runtime_error("of an event"); });
    queue.push(Picoseconds(3), 0, [token] {});
    queue.push(Picoseconds(4), 0, [held = std::make_unique<int>(1), token] {});
    EXPECT_EQ(token.use_count(), 5);
    queue.run_first();
    EXPECT_EQ(token.use_count(), 4);
    EXPECT_THROW(queue.run_first(), std::runtime_error);
    EXPECT_EQ(token.use_count(), 3);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(EventQueue, HoldsCallbacksOf48Bytes) {
  EventQueue queue;
  std::array<std::uint64_t, 5> numbers{1, 2, 3, 4, 5};
  std::uint64_t sum = 0;
  const auto callback = [numbers, &sum] {
    for (const std::uint64_t number : numbers) sum += number;
  };
  static_assert(sizeof callback == EventQueue::kCallbackBytes);
  queue.push(Picoseconds(0), 0, callback);
  run_all(queue);
  EXPECT_EQ(sum, 15u);
}

}  // namespace
}  // namespace tutti::ub
