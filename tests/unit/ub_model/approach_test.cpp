// What approaches a port is taken in order, all of it, and not before it is known.
#include "transports/ub/model/approach.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>
#include <vector>

#include "transports/ub/model/event_heap.hpp"

namespace tutti::ub {
namespace {

// Pushes heads at random times, each between the lead and some leads before its own, and notes what
// the ports take.
class Traffic final : public EventTarget {
 public:
  static constexpr std::size_t kPorts = 3;
  static constexpr std::uint64_t kPushes = std::uint64_t{1} << 32;  // tokens from here on

  struct Planned {
    Picoseconds pushed;
    std::size_t port;
    Picoseconds time;
  };
  struct Taken {
    Picoseconds when;
    Picoseconds time;
    std::uint32_t message;
  };

  Traffic(Picoseconds lead, std::size_t count, std::int64_t span, std::uint64_t seed)
      : approach_(queue_, *this) {
    std::mt19937_64 random(seed);
    approach_.add_ports(kPorts, lead);
    for (std::size_t i = 0; i < count; ++i) {
      const Picoseconds pushed(
          static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span)));
      const Picoseconds more(
          static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * lead.count() + 3)));
      planned_.push_back(
          {.pushed = pushed, .port = random() % kPorts, .time = pushed + lead + more});
      queue_.schedule(pushed, *this, kPushes + i);
    }
    queue_.run();
  }

  const std::vector<Taken>& taken(std::size_t port) const { return taken_[port]; }
  std::uint64_t events() const { return events_; }

  // In the order of their times, and among equals in that in which they were pushed.
  std::vector<std::uint32_t> expected(std::size_t port) const {
    std::vector<std::uint32_t> messages;
    for (std::uint32_t i = 0; i < planned_.size(); ++i) {
      if (planned_[i].port == port) messages.push_back(i);
    }
    std::ranges::sort(messages, {}, [this](std::uint32_t i) {
      return std::tuple(planned_[i].time, planned_[i].pushed, i);
    });
    return messages;
  }

 private:
  void fire(Picoseconds now, std::uint64_t token) override {
    if (token >= kPushes) {
      const auto message = static_cast<std::uint32_t>(token - kPushes);
      const Planned& head = planned_[message];
      return approach_.push(head.port, {.time = head.time, .message = message}, head.port);
    }
    ++events_;
    for (const Approach::Head& head : approach_.take(token, now, token)) {
      taken_[token].push_back({.when = now, .time = head.time, .message = head.message});
    }
  }

  EventHeap queue_;
  Approach approach_;
  std::vector<Planned> planned_;
  std::vector<Taken> taken_[kPorts];
  std::uint64_t events_ = 0;
};

void expect_order(const Traffic& traffic, Picoseconds lead) {
  for (std::size_t port = 0; port < Traffic::kPorts; ++port) {
    std::vector<std::uint32_t> messages;
    for (const Traffic::Taken& taken : traffic.taken(port)) {
      messages.push_back(taken.message);
      EXPECT_LE(taken.when, taken.time);
      EXPECT_LT(taken.time, taken.when + std::max(lead, Picoseconds(1)));
    }
    EXPECT_EQ(messages, traffic.expected(port)) << "port " << port;
  }
}

TEST(Approach, IsTakenInTheOrderInWhichItGetsThere) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    // Alone, a few at once, and hundreds at once with many equal times.
    for (const std::int64_t span : {3'000'000, 100'000, 300}) {
      constexpr Picoseconds kLead(700);
      expect_order(Traffic(kLead, 3000, span, seed), kLead);
    }
  }
}

TEST(Approach, WithNoLeadEverythingIsTakenAtItsTime) {
  expect_order(Traffic(Picoseconds(0), 3000, 500, 1), Picoseconds(0));
}

TEST(Approach, HasOneEventForMany) {
  constexpr std::size_t kCount = 3000;
  const Traffic traffic(Picoseconds(1000), kCount, 60'000, 1);
  EXPECT_LT(traffic.events(), kCount / 8);
}

}  // namespace
}  // namespace tutti::ub
