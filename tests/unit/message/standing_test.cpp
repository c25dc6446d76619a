// Ranks that hear of each other only by messages agree about who is there and which error was
// first, however the messages are delayed.
#include "transports/message/standing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>

namespace tutti::message {
namespace {

class SilentBell final : public Ringer {
 public:
  void ring(Doorbell&) noexcept override {}
};

// Ranks whose frames arrive in order between each pair, when the test says so.
class World {
 public:
  using Linked = bool (*)(Rank a, Rank b);
  // `linked`: who has a connection to whom, beside those to rank 0.
  explicit World(
      int ranks, Linked linked = [](Rank, Rank) { return true; })
      : linked_(linked) {
    for (Rank rank = 0; rank < ranks; ++rank) {
      members_.push_back(std::make_unique<Member>(*this, rank, ranks));
    }
  }

  Standing& operator[](Rank rank) { return at(rank).standing; }
  // It dies with what it has not sent; its leader's end of the connection notices later.
  void kill(Rank rank) { at(rank).alive = false; }
  bool alive(Rank rank) { return at(rank).alive; }
  int ranks() const { return static_cast<int>(members_.size()); }
  // How many have been written.
  std::size_t letters() const { return letters_; }

  // Delivers everything, pairs in random order.
  void settle(std::mt19937_64& random) { deliver_some(random, ~std::size_t{0}); }
  // As many letters as have been written, at most.
  void deliver_some(std::mt19937_64& random, std::size_t most) {
    for (; most > 0; --most) {
      std::vector<Member*> open;
      for (const auto& member : members_) {
        if (!member->outgoing.empty()) open.push_back(member.get());
      }
      if (open.empty()) return;
      Member& from = *open[random() % open.size()];
      const Letter letter = from.outgoing.front();
      from.outgoing.pop_front();
      if (at(letter.to).alive) deliver(from.port.rank(), letter);
    }
  }

 private:
  struct Letter {
    Rank to;
    Frame frame;
    std::vector<std::byte> content;
  };
  struct Member final : Teller {
    Member(World& w, Rank rank, int ranks)
        : world(w), port(rank, ranks, bell), standing(port, *this) {
      port.make_control({.bytes = 4096, .line_bytes = 4096});
    }
    bool tell(Rank peer, const Frame& frame, std::span<const std::byte> content,
              Reach reach) override {
      const Rank self = port.rank();
      if (reach == Reach::kLinked && self != 0 && peer != 0 && !world.linked_(self, peer)) {
        return false;
      }
      ++world.letters_;
      if (alive) outgoing.push_back({peer, frame, {content.begin(), content.end()}});
      return true;
    }
    World& world;
    SilentBell bell;
    Port port;
    Standing standing;
    std::deque<Letter> outgoing;
    bool alive = true;
  };

  void deliver(Rank from, const Letter& letter) {
    Standing& standing = at(letter.to).standing;
    switch (letter.frame.kind) {
      case FrameKind::kNews:
        standing.on_news(static_cast<Rank>(letter.frame.tag),
                         static_cast<PeerState>(letter.frame.window), letter.content);
        break;
      case FrameKind::kProposal:
        standing.on_proposal(from, Standing::unpack(letter.content).value());
        break;
      case FrameKind::kFailure:
        standing.on_failure(Standing::unpack(letter.content).value());
        break;
      default:
        FAIL() << "no such letter";
    }
  }
  Member& at(Rank rank) { return *members_[static_cast<std::size_t>(rank)]; }

  const Linked linked_;
  std::size_t letters_ = 0;
  std::vector<std::unique_ptr<Member>> members_;
};

Error error_of(Rank rank) {
  return {tuttiRemoteError, "the error of rank " + std::to_string(rank), {rank}};
}

TEST(Standing, ErrorsAtTheSameTimeBecomeOne) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    World world(5);
    for (Rank rank = 0; rank < 5; ++rank) {
      if (random() % 2 == 0 || rank == 3) world[rank].propose(error_of(rank));
    }
    world.settle(random);
    const std::optional<Error> first = world[0].failure();
    ASSERT_TRUE(first);
    for (Rank rank = 0; rank < 5; ++rank) {
      ASSERT_TRUE(world[rank].failure()) << "seed " << seed;
      EXPECT_STREQ(world[rank].failure()->what(), first->what()) << "seed " << seed;
      EXPECT_EQ(world[rank].failure()->culprits(), first->culprits());
    }
  }
}

TEST(Standing, WhatTheLeaderDidNotHearGoesToTheNext) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    World world(4);
    world.kill(0);
    world[2].propose(error_of(2));  // to rank 0, which is dead
    world.settle(random);
    EXPECT_FALSE(world[2].failure());
    for (Rank rank = 1; rank < 4; ++rank) world[rank].mark(0, PeerState::kDead);
    world.settle(random);
    for (Rank rank = 1; rank < 4; ++rank) {
      ASSERT_TRUE(world[rank].failure()) << "seed " << seed;
      EXPECT_STREQ(world[rank].failure()->what(), "the error of rank 2");
    }
  }
}

TEST(Standing, TheLeaderPassesADeathOn) {
  std::mt19937_64 random(1);
  World world(4);
  world.kill(2);
  world[0].mark(2, PeerState::kDead);
  world.settle(random);
  for (const Rank rank : {0, 1, 3}) EXPECT_EQ(world[rank].state(2), PeerState::kDead);
  EXPECT_EQ(world[1].state(3), PeerState::kAlive);
}

TEST(Standing, WhoLeavesIsGoneForAllAndItsErrorComesFirst) {
  std::mt19937_64 random(1);
  World world(3);
  world[2].propose(error_of(2));
  world.settle(random);
  world[2].say_goodbye();
  world.settle(random);
  for (const Rank rank : {0, 1}) {
    EXPECT_EQ(world[rank].state(2), PeerState::kLeft);
    ASSERT_TRUE(world[rank].failure());
  }
  EXPECT_FALSE(world[2].is_alone());
  world[0].say_goodbye();
  world[1].say_goodbye();
  world.settle(random);
  EXPECT_TRUE(world[2].is_alone());
}

// Two ranks a host: neighbours share memory and are not linked, nor are ranks of unlike places.
TEST(Standing, WhoLeavesHearsOfNeighboursItIsNotLinkedTo) {
  constexpr Rank kRanks = 8;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    World world(kRanks, [](Rank a, Rank b) { return a % 2 == b % 2; });
    std::vector<Rank> order = {0, 1, 2, 3, 4, 5, 6, 7};
    std::shuffle(order.begin(), order.end(), random);
    for (const Rank rank : order) {
      world[rank].say_goodbye();
      world.deliver_some(random, random() % 12);
    }
    world.settle(random);
    for (Rank rank = 0; rank < kRanks; ++rank) {
      EXPECT_TRUE(world[rank].is_alone()) << "seed " << seed << ", rank " << rank;
    }
    // Nobody passes on what all have been told.
    EXPECT_LE(world.letters(), std::size_t{2 * kRanks * kRanks}) << "seed " << seed;
  }
}

TEST(Standing, WhoLeadsAnewDoesNotGoUnheard) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    World world(4, [](Rank, Rank) { return false; });
    world.kill(0);
    world[1].mark(0, PeerState::kDead);
    world[1].say_goodbye();  // before any of the others has a connection to it
    world[2].mark(0, PeerState::kDead);
    world.deliver_some(random, random() % 4);
    world[3].mark(0, PeerState::kDead);
    world.settle(random);
    for (const Rank rank : {2, 3}) {
      EXPECT_EQ(world[rank].state(1), PeerState::kLeft) << "seed " << seed;
    }
  }
}

TEST(Standing, WhoHasLeftPassesNothingOnThatNobodyAskedItTo) {
  std::mt19937_64 random(1);
  World world(6);
  world[0].say_goodbye();
  world.settle(random);
  const std::size_t before = world.letters();
  world[0].mark(3, PeerState::kLeft);  // a frame found its port gone
  world[0].mark(4, PeerState::kDead);
  EXPECT_EQ(world.letters(), before);
}

TEST(Standing, ErrorsOnTheWayAreCutAndNotLost) {
  const Error error(tuttiMismatch, std::string(100'000, 'x'), std::vector<int>(1000, 7));
  const std::optional<Error> cut = Standing::unpack(Standing::pack(error));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->code(), tuttiMismatch);
  EXPECT_GT(std::string(cut->what()).size(), 1000u);
  EXPECT_EQ(cut->culprits().front(), 7);
  std::vector<std::byte> bytes = Standing::pack(error);
  bytes[8] = std::byte{255};  // more culprits than there are bytes
  EXPECT_FALSE(Standing::unpack(bytes));
  EXPECT_FALSE(Standing::unpack(std::span<const std::byte>(bytes).first(15)));
}

}  // namespace
}  // namespace tutti::message
