#include "transports/ub/engine/event_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

namespace tutti::ub {
namespace {

void run_all(EventQueue& queue) {
  while (!queue.empty()) queue.run_first();
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

// What an event was asked for before it ran, and how often it ran.
struct Preparation {
  std::vector<int> passes;
  int runs = 0;
};

struct Prepared {
  Preparation* preparation;
  void operator()() const { ++preparation->runs; }
  void prepare(int pass) const noexcept {
    EXPECT_EQ(preparation->runs, 0);
    preparation->passes.push_back(pass);
  }
};

TEST(EventQueue, PreparesWhatComesSoonPassByPass) {
  constexpr std::size_t kEvents = 1000;
  std::vector<Preparation> preparations(kEvents);
  EventQueue queue;
  for (std::size_t i = 0; i < kEvents; ++i) {
    queue.push(Picoseconds(1000 + i * 37 % kEvents), 0, Prepared{&preparations[i]});
    if (i % 10 == 0) queue.push(Picoseconds(1500), 0, [] {});  // needs none
  }
  run_all(queue);
  std::size_t prepared = 0;
  for (const Preparation& preparation : preparations) {
    EXPECT_EQ(preparation.runs, 1);
    for (std::size_t i = 0; i < preparation.passes.size(); ++i) {
      EXPECT_EQ(preparation.passes[i], static_cast<int>(i) % EventQueue::kPasses);
    }
    prepared += preparation.passes.empty() ? 0 : 1;
  }
  EXPECT_GT(prepared, kEvents / 2);
}

TEST(EventQueue, NumbersHappenAmongCallbacksInTheirTurn) {
  struct Numbers final : NumberedEvents {
    std::vector<std::uint32_t> happened;
    mutable std::vector<std::vector<int>> passes = std::vector<std::vector<int>>(1000);
    void happen(std::uint32_t number) override { happened.push_back(number); }
    void prepare(std::uint32_t number, int pass) const noexcept override {
      if (number < passes.size()) passes[number].push_back(pass);
    }
  } numbers;
  EventQueue queue(&numbers);
  queue.push_number(Picoseconds(5), 1, NumberedEvents::kLargest);
  queue.push(Picoseconds(5), 0, [&] { numbers.happened.push_back(70'000); });
  queue.push_number(Picoseconds(5), 0, 0);
  for (std::uint32_t i = 1000; i-- > 0;) queue.push_number(Picoseconds(10 + i), 0, i);
  run_all(queue);
  std::vector<std::uint32_t> expected{70'000, 0, NumberedEvents::kLargest};
  for (std::uint32_t i = 0; i < 1000; ++i) expected.push_back(i);
  EXPECT_EQ(numbers.happened, expected);
  std::size_t prepared = 0;
  for (const std::vector<int>& passes : numbers.passes) {
    for (std::size_t i = 0; i < passes.size(); ++i) {
      EXPECT_EQ(passes[i], static_cast<int>(i) % EventQueue::kPasses);
    }
    prepared += passes.empty() ? 0 : 1;
  }
  EXPECT_GT(prepared, 500U);

  // What is dropped does not happen.
  queue.push_number(Picoseconds(2000), 0, 1);
  auto token = std::make_shared<int>(0);
  queue.push(Picoseconds(2000), 0, [token] {});
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(numbers.happened, expected);
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
