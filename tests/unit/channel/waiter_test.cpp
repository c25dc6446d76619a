// The waiter against a transport whose clock moves by itself and which never needs to sleep long.
#include "channel/waiter.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <tutti/error.hpp>
#include <vector>

namespace tutti {
namespace {

class StepClock final : public Clock {
 public:
  Nanoseconds now() noexcept override { return now_ += std::chrono::microseconds(10); }

 private:
  Nanoseconds now_{};
};

// One rank alone: nothing but the clock and sleeping is used.
class LonelyTransport final : public Transport {
 public:
  std::string_view name() const noexcept override { return "lonely"; }
  Access access(Rank) const noexcept override { return {}; }
  Path path(Rank) const noexcept override { return {}; }
  std::unique_ptr<ControlWindow> open_control(const ControlSegment&) override { return nullptr; }
  std::unique_ptr<Window> open_window(WindowKind) override { return nullptr; }
  void progress() override {}
  void sleep(Doorbell&, std::uint32_t, Nanoseconds) override { ++sleeps; }
  void announce_fence() noexcept override { ++announcements; }
  Clock& clock() noexcept override { return clock_; }
  PeerState peer_state(Rank peer) const noexcept override {
    return on_state ? on_state(peer) : PeerState::kAlive;
  }
  void abort(const Error&) noexcept override {}
  std::optional<Error> failure() const override { return std::nullopt; }
  Waiting waiting() const noexcept override { return Waiting::kYield; }  // Waiter asks WaitLimits

  std::function<PeerState(Rank)> on_state;
  int sleeps = 0;
  int announcements = 0;

 private:
  StepClock clock_;
};

class NothingMissing final : public WaitSubject {
 public:
  void missing(std::vector<Rank>&) const override {}
  void check(const std::vector<Rank>&, const std::vector<Rank>&) const override {}
  [[noreturn]] void expire(const std::vector<Rank>&, Nanoseconds) const override {
    throw Error(tuttiTimeout, "expired");
  }
};

constexpr WaitLimits kLimits{
    .timeout = std::chrono::milliseconds(100), .spin = {}, .waiting = Waiting::kYield};

// A predicate that moves work forward has nothing left to do when it is asked again: a wait that
// asks twice after such an answer never ends.
TEST(Waiter, TakesTheAnswerThatComesBetweenAnnouncingAndSleeping) {
  LonelyTransport transport;
  Doorbell bell;
  Waiter waiter(transport, bell, kLimits);
  bool told = false;
  const auto once = [&] {  // at the first look after the announcement
    if (told || transport.announcements == 0) return false;
    return told = true;
  };
  EXPECT_NO_THROW(waiter.until(bell, NothingMissing(), once));
  EXPECT_EQ(transport.sleeps, 0);
  EXPECT_EQ(bell.sleepers.load(), 0u);
}

TEST(Waiter, SleepsUntilTheDeadlineWhenNothingComes) {
  LonelyTransport transport;
  Doorbell bell;
  Waiter waiter(transport, bell, kLimits);
  EXPECT_THROW(waiter.until(bell, NothingMissing(), [] { return false; }), Error);
  EXPECT_GT(transport.sleeps, 0);
  EXPECT_EQ(bell.sleepers.load(), 0u);
}

// Two ranks' marks; fails if a rank that is gone has not raised its own.
class TwoMarks final : public WaitSubject {
 public:
  void missing(std::vector<Rank>& ranks) const override {
    for (const Rank rank : {0, 1}) {
      if (!there[static_cast<std::size_t>(rank)]) ranks.push_back(rank);
    }
  }
  void check(const std::vector<Rank>&, const std::vector<Rank>& gone) const override {
    if (!gone.empty()) throw Error(tuttiRemoteError, "left and was needed", gone);
  }
  [[noreturn]] void expire(const std::vector<Rank>&, Nanoseconds) const override {
    throw Error(tuttiTimeout, "expired");
  }

  bool there[2] = {};
};

constexpr WaitLimits kLongLimits{
    .timeout = std::chrono::seconds(10), .spin = {}, .waiting = Waiting::kYield};

// It does so between the look at its mark and the look at its state, and the other is late.
TEST(Waiter, BlamesNobodyWhoRaisesItsMarkAndLeaves) {
  LonelyTransport transport;
  Doorbell bell;
  Waiter waiter(transport, bell, kLongLimits);
  TwoMarks marks;
  int looks = 0;
  transport.on_state = [&](Rank rank) {
    if (rank == 1) return PeerState::kAlive;
    marks.there[0] = true;
    return PeerState::kLeft;
  };
  EXPECT_NO_THROW(waiter.until(bell, marks, [&] {
    if (++looks == 10'000) marks.there[1] = true;
    return marks.there[0] && marks.there[1];
  }));
  EXPECT_TRUE(marks.there[0]) << "nobody asked for its state";
}

TEST(Waiter, NamesWhoLeavesWithoutItsMark) {
  LonelyTransport transport;
  Doorbell bell;
  Waiter waiter(transport, bell, kLongLimits);
  TwoMarks marks;
  transport.on_state = [&](Rank rank) { return rank == 1 ? PeerState::kDead : PeerState::kLeft; };
  marks.there[0] = true;
  try {
    waiter.until(bell, marks, [] { return false; });
    FAIL() << "rank 1 is dead";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiRemoteError);
    EXPECT_EQ(error.culprits(), std::vector<Rank>{1});
  }
}

// A fibre's looks are in vain while it has the turn: one before it announces itself, one after.
TEST(Waiter, LooksOnceBeforeItParks) {
  LonelyTransport transport;
  Doorbell bell;
  Waiter waiter(transport, bell,
                {.timeout = std::chrono::milliseconds(100),
                 .spin = std::chrono::milliseconds(50),
                 .waiting = Waiting::kPark});
  std::vector<int> looks_of_sleeps;
  waiter.until(bell, NothingMissing(), [&] {
    looks_of_sleeps.resize(static_cast<std::size_t>(transport.sleeps) + 1);
    ++looks_of_sleeps.back();
    return transport.sleeps == 3;
  });
  EXPECT_EQ(transport.announcements, 3);
  EXPECT_EQ(looks_of_sleeps, (std::vector<int>{2, 2, 2, 1}));
}

}  // namespace
}  // namespace tutti
