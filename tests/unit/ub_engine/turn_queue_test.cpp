#include "transports/ub/engine/turn_queue.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>
#include <string>
#include <tuple>

namespace tutti::ub {
namespace {

// The queue beside a set that holds the same: first() and pop() must agree with it.
class Compared {
 public:
  void push(std::int64_t time, std::uint32_t place) {
    queue_.push(Picoseconds(time), place, pushes_);
    set_.emplace(time, place, pushes_++);
  }
  // Returns the time of what it takes out.
  std::int64_t pop() {
    const auto [time, place, item] = *set_.begin();
    const Turn& first = queue_.first();
    EXPECT_EQ(std::tuple(first.time.count(), first.place, first.item), *set_.begin());
    EXPECT_EQ(queue_.pop(), item);
    set_.erase(set_.begin());
    EXPECT_EQ(queue_.size(), set_.size());
    return time;
  }
  bool empty() const { return set_.empty(); }
  const TurnQueue& queue() const { return queue_; }

 private:
  TurnQueue queue_;
  std::set<std::tuple<std::int64_t, std::uint32_t, std::uint32_t>> set_;
  std::uint32_t pushes_ = 0;
};

using Random = std::mt19937_64;

// Delays of all kinds of traffic.
struct Mixture {
  std::string name;
  std::function<std::int64_t(Random&)> delay;
};
const Mixture kMixtures[] = {
    {"few times", [](Random& r) { return static_cast<std::int64_t>(r() % 4); }},
    {"one time", [](Random&) { return std::int64_t{0}; }},
    {"microseconds", [](Random& r) { return static_cast<std::int64_t>(r() % 2'000'000); }},
    {"all magnitudes", [](Random& r) { return static_cast<std::int64_t>(r() >> (r() % 45 + 19)); }},
    {"bursts before a far one",
     [](Random& r) {
       return r() % 50 == 0 ? std::int64_t{5'000'000'000} : static_cast<std::int64_t>(r() % 1000);
     }},
};

TEST(TurnQueue, HoldsTheOrderOfASet) {
  for (const Mixture& mixture : kMixtures) {
    for (const int held : {1, 2, 10, 300, 5000}) {
      SCOPED_TRACE(mixture.name + ", " + std::to_string(held) + " held");
      Random random(static_cast<std::uint64_t>(held));
      Compared compared;
      std::int64_t now = 0;
      const auto push = [&] {
        compared.push(now + mixture.delay(random), static_cast<std::uint32_t>(random() % 4));
      };
      for (int i = 0; i < held; ++i) push();
      for (int i = 0; i < 20'000; ++i) {
        now = compared.pop();
        push();
      }
      while (!compared.empty()) compared.pop();
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(TurnQueue, HoldsItWhileItGrowsAndShrinks) {
  for (const Mixture& mixture : kMixtures) {
    SCOPED_TRACE(mixture.name);
    Random random(3);
    Compared compared;
    std::int64_t now = 0;
    for (int wave = 0; wave < 20; ++wave) {
      for (int i = 0; i < 2000; ++i) {
        compared.push(now + mixture.delay(random), static_cast<std::uint32_t>(random() % 4));
        if (i % 5 == 0) now = compared.pop();
      }
      for (std::uint64_t left = random() % 1600; left > 0; --left) now = compared.pop();
    }
    while (!compared.empty()) compared.pop();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(TurnQueue, TurnsBeforeTheLastOneAreInOrderToo) {
  Random random(5);
  Compared compared;
  for (int i = 0; i < 50'000; ++i) {
    compared.push(static_cast<std::int64_t>(random() % 1'000'000), 0);
    if (i % 3 == 2) compared.pop();
  }
  while (!compared.empty()) compared.pop();
}

TEST(TurnQueue, ManyTurnsBeforeAllThatWasEverThereAreInOrderToo) {
  Random random(6);
  Compared compared;
  for (int i = 0; i < 1000; ++i) compared.push(1'000'000'000 + i, 0);
  for (int i = 0; i < 100; ++i) compared.pop();
  for (int i = 0; i < 5000; ++i) {
    compared.push(static_cast<std::int64_t>(random() % 1'000'000'000), 0);
    if (i % 4 == 0) compared.pop();
  }
  while (!compared.empty()) compared.pop();
}

TEST(TurnQueue, TakesTheFirstAndTheLastTimeThereIs) {
  Compared compared;
  const std::int64_t last = kNever.count() - 1;
  for (const std::int64_t time : {last, std::int64_t{0}, last - 1, std::int64_t{1}, last}) {
    compared.push(time, 0);
  }
  while (!compared.empty()) compared.pop();
  EXPECT_EQ(compared.queue().first().time, kNever);
}

TEST(TurnQueue, AfterClearItIsEmptyAndCanBeUsed) {
  TurnQueue queue;
  for (std::uint32_t i = 0; i < 1000; ++i) queue.push(Picoseconds(i * i), 0, i);
  for (int i = 0; i < 100; ++i) queue.pop();
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.first().time, kNever);
  queue.push(Picoseconds(3), 0, 7);
  EXPECT_EQ(queue.pop(), 7u);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace tutti::ub
