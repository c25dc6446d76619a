// Channels of ranks that are fibres: the waiter parks, deadlines and disagreement are in virtual
// time.
#include "channel/waiter.hpp"

#include <gmock/gmock.h>

#include "base/pause.hpp"
#include "communicator/stream.hpp"
#include "parking_transport.hpp"

namespace tutti {
namespace {

using test::FibreWorld;
using test::ParkingRank;
using namespace std::chrono_literals;

constexpr int kRanks = 3;

class ChannelsOnFibres : public testing::Test {
 protected:
  // Runs body(rank) as each rank; ranks leave together.
  template <typename Body>
  void ranks(Body body) {
    for (Rank number = 0; number < kRanks; ++number) {
      world->rank(number, [this, number, body] {
        ParkingRank rank(group.bootstrap(number), kTimeout);
        body(rank);
        rank.meet();
      });
    }
  }
  // Everybody hears of everybody, `operation` by `operation`.
  static void exchange(ParkingRank& rank, const Operation& operation) {
    for (Rank peer = 0; peer < kRanks; ++peer) {
      if (peer != rank.rank()) operation.post(peer, Phase::kEntry);
    }
    for (Rank peer = 0; peer < kRanks; ++peer) {
      if (peer != rank.rank()) operation.wait(peer, Phase::kEntry);
    }
    operation.finish();
  }
  static Error error_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error;
    }
    return Error(tuttiSuccess, "no error");
  }

  static constexpr Nanoseconds kTimeout = 300ms;
  LocalGroup group{kRanks, 1h};
  std::optional<FibreWorld> world{std::in_place};
  int done = 0;
};

TEST_F(ChannelsOnFibres, ExchangeWithoutWaitingForDeadlines) {
  ranks([this](ParkingRank& rank) {
    for (int i = 0; i < 300; ++i) {
      world->work(Nanoseconds((rank.rank() * 5 + i) % 7));
      exchange(rank, rank.channel().begin({}));
    }
    ++done;
  });
  EXPECT_TRUE(world->run());
  EXPECT_EQ(done, kRanks);
  EXPECT_LT(world->now(), 10ms);
}

TEST_F(ChannelsOnFibres, StreamsOfARankWaitBesideEachOther) {
  ranks([this](ParkingRank& rank) {
    rank.channel().become_concurrent();
    Stream stream;
    for (int i = 0; i < 100; ++i) {
      const Operation on_stream = rank.channel().begin({});
      const Operation here = rank.channel().begin({});
      stream.push(make_task([&rank, on_stream] { exchange(rank, on_stream); }));
      exchange(rank, here);
    }
    stream.synchronize();
    ++done;
  });
  EXPECT_TRUE(world->run());
  EXPECT_EQ(done, kRanks);
}

TEST_F(ChannelsOnFibres, ATimeoutNamesTheMissingRankAtItsVirtualTime) {
  ranks([this](ParkingRank& rank) {
    const Nanoseconds start = current_time();
    if (rank.rank() == 1) {
      pause_for(2 * kTimeout);
    } else {
      const Error error = error_of([&] { exchange(rank, rank.channel().begin({})); });
      EXPECT_EQ(error.code(), tuttiTimeout) << error.what();
      EXPECT_EQ(error.culprits(), std::vector<int>{1}) << error.what();
      EXPECT_GE(current_time() - start, kTimeout);
      EXPECT_LT(current_time() - start, kTimeout + 30ms);
    }
    ++done;
  });
  EXPECT_TRUE(world->run());
  EXPECT_EQ(done, kRanks);
}

TEST_F(ChannelsOnFibres, RanksThatDisagreeAreTold) {
  ranks([this](ParkingRank& rank) {
    const Error error = error_of(
        [&] { exchange(rank, rank.channel().begin({.count = rank.rank() == 2 ? 7u : 8u})); });
    EXPECT_EQ(error.code(), tuttiMismatch) << error.what();
    EXPECT_EQ(error.culprits(), std::vector<int>{2}) << error.what();
    ++done;
  });
  EXPECT_TRUE(world->run());
  EXPECT_EQ(done, kRanks);
}

TEST_F(ChannelsOnFibres, WhoeverIsUnwoundIsNoSleeperAnyMore) {
  ranks([this](ParkingRank& rank) {
    if (rank.rank() == 0) world->host.park(Nanoseconds::max(), "nothing");  // never comes
    try {
      exchange(rank, rank.channel().begin({}));
      ADD_FAILURE() << "goes on";
    } catch (const FibreUnwind&) {
      EXPECT_EQ(rank.channel().own_bell().sleepers.load(), 0u);
      // Time stands still: it must not wait for a deadline.
      EXPECT_THROW(rank.channel().begin({}).wait(0, Phase::kEntry), FibreUnwind);
      const KeepFibre keep;
      EXPECT_THROW(rank.channel().begin({}).wait(0, Phase::kEntry), FibreUnwind);
      ++done;
      throw;
    }
  });
  world->scheduler.at(ub::Picoseconds(1'000'000'000), {}, [] { throw std::runtime_error("stop"); });
  EXPECT_THROW(world->run(), std::runtime_error);
  world.reset();
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace tutti
