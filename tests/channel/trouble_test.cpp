// What a wait throws when it cannot end well, and whom it names.
#include <thread>

#include "tests/channel/exchanges.hpp"

namespace tutti::test {

namespace {

constexpr OperationShape kSumOfHundred = {
    .kind = OperationKind::kAllReduce, .type = tuttiFloat32, .op = tuttiSum, .count = 100};
constexpr OperationShape kSumOfMore = {
    .kind = OperationKind::kAllReduce, .type = tuttiFloat32, .op = tuttiSum, .count = 101};
constexpr OperationShape kBroadcast = {
    .kind = OperationKind::kBroadcast, .type = tuttiInt8, .root = 3};

bool contains(const Error& error, const std::string& part) {
  return std::string(error.what()).find(part) != std::string::npos;
}

}  // namespace

TEST(ChannelTrouble, CancelFromAnotherThreadEndsAWait) {
  run_channels({}, [](ChannelRank& rank) {
    const Operation operation = rank.begin();
    std::thread other([&rank] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      rank.channel().cancel();
    });
    const Error error = error_of([&] { operation.wait(rank.next(), Phase::kEntry); });
    other.join();
    EXPECT_EQ(error.code(), tuttiAborted);
    EXPECT_EQ(error_of([&] { rank.begin(); }).code(), tuttiAborted);
  });
}

TEST(ChannelTrouble, CancelEndsAnAssemblyAndABegin) {
  run_channels({}, [](ChannelRank& rank) {
    // Rank 1 never arrives.
    std::vector<Operation> open = {rank.begin()};
    std::thread other([&rank] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      rank.channel().cancel();
    });
    if (rank.rank() == 0) {
      EXPECT_EQ(error_of([&] { assembly(open[0]); }).code(), tuttiAborted);
    } else {
      const Error error = error_of([&] {
        for (;;) open.push_back(rank.begin());
      });
      EXPECT_EQ(error.code(), tuttiAborted);
      EXPECT_LE(open.size(), rank.channel().layout().depth);
    }
    other.join();
  });
}

TEST(ChannelTrouble, AMismatchInLinesNamesTheMinority) {
  run_channels({.ranks = 4}, [](ChannelRank& rank) {
    const Operation operation = rank.begin(rank.rank() == 2 ? kSumOfMore : kSumOfHundred);
    post_entries(operation);
    rank.meet();
    const Error error = error_of([&] {
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        if (peer != rank.rank()) operation.wait(peer, Phase::kEntry);
      }
    });
    EXPECT_EQ(error.code(), tuttiMismatch);
    EXPECT_EQ(error.culprits(), std::vector<Rank>{2});
    EXPECT_TRUE(contains(error, "ranks 0, 1, 3: AllReduce(")) << error.what();
    EXPECT_TRUE(contains(error, "at odds with the others: rank 2")) << error.what();
  });
}

TEST(ChannelTrouble, AMajorityThatIsLateIsAwaited) {
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    if (rank.rank() == 2) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const Operation operation = rank.begin(rank.rank() == 1 ? kSumOfMore : kSumOfHundred);
    const Error error = error_of([&] { all_to_all(operation); });
    EXPECT_EQ(error.code(), tuttiMismatch);
    EXPECT_EQ(error.culprits(), std::vector<Rank>{1});
    EXPECT_TRUE(contains(error, "they differ in count")) << error.what();
  });
}

TEST(ChannelTrouble, AMismatchWithoutAMajorityNamesEverybody) {
  run_channels({.ranks = 4}, [](ChannelRank& rank) {
    const Operation operation = rank.begin(rank.rank() % 2 == 0 ? kBroadcast : kSumOfHundred);
    post_entries(operation);
    rank.meet();
    const Error error = error_of([&] { operation.wait(rank.next(), Phase::kEntry); });
    EXPECT_EQ(error.code(), tuttiMismatch);
    EXPECT_EQ(error.culprits(), (std::vector<Rank>{0, 1, 2, 3}));
    EXPECT_TRUE(contains(error, "Broadcast(int8, root 3)")) << error.what();
    EXPECT_TRUE(contains(error, "ranks 0, 2: ")) << error.what();
  });
}

TEST(ChannelTrouble, AMismatchInAnAssemblyReachesEveryRank) {
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    const Operation operation = rank.begin(rank.rank() == 1 ? kBroadcast : kSumOfHundred);
    const Error error = error_of([&] { assembly(operation); });
    EXPECT_EQ(error.code(), tuttiMismatch);
    EXPECT_EQ(error.culprits(), std::vector<Rank>{1}) << error.what();
  });
}

TEST(ChannelTrouble, ALongWaitNoticesAMismatchElsewhere) {
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    // Rank 0 waits for rank 1, who is silent; rank 2's entry shows that something else is wrong.
    if (rank.rank() == 1) return;
    const Operation operation = rank.begin(rank.rank() == 0 ? kSumOfHundred : kSumOfMore);
    if (rank.rank() == 2) {
      post_entries(operation);
      return;
    }
    const Error error = error_of([&] { operation.wait(1, Phase::kEntry); });
    EXPECT_EQ(error.code(), tuttiMismatch);
    EXPECT_EQ(error.culprits(), (std::vector<Rank>{0, 2}));
  });
}

TEST(ChannelTrouble, ATimeoutNamesWhoIsMissing) {
  run_channels({.ranks = 3, .timeout = std::chrono::milliseconds(300)}, [](ChannelRank& rank) {
    if (rank.rank() == 2) return;
    const Operation operation = rank.begin(kSumOfHundred);
    const Error error = error_of([&] { operation.wait(2, Phase::kEntry); });
    EXPECT_EQ(error.code(), tuttiTimeout);
    EXPECT_EQ(error.culprits(), std::vector<Rank>{2});
    EXPECT_TRUE(contains(error, "rank 2 did not arrive within")) << error.what();
  });
}

TEST(ChannelTrouble, ATimeoutOfAnAssemblyNamesWhoIsMissing) {
  run_channels({.ranks = 3, .timeout = std::chrono::milliseconds(300)}, [](ChannelRank& rank) {
    if (rank.rank() == 1) return;
    const Operation operation = rank.begin(kSumOfHundred);
    const Error error = error_of([&] { assembly(operation); });
    EXPECT_EQ(error.code(), tuttiTimeout);
    // A rank may be named that was merely late when the other gave up.
    EXPECT_NE(std::find(error.culprits().begin(), error.culprits().end(), 1),
              error.culprits().end());
  });
}

TEST(ChannelTrouble, BeginWithoutAFreeSlotEndsAtTheDeadline) {
  run_channels({.timeout = std::chrono::milliseconds(300)}, [](ChannelRank& rank) {
    if (rank.rank() == 1) return;
    for (unsigned i = 0; i < rank.channel().layout().depth; ++i) rank.begin();
    const Error error = error_of([&] { rank.begin(); });
    EXPECT_EQ(error.code(), tuttiTimeout);
    EXPECT_TRUE(contains(error, "no free slot")) << error.what();
  });
}

TEST(ChannelTrouble, AWaitForARankThatLeftEnds) {
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    const Operation operation = rank.begin(kSumOfHundred);
    rank.meet();
    if (rank.rank() == 2) {
      rank.leave();
      return;
    }
    const Error error = error_of([&] { operation.wait(2, Phase::kEntry); });
    EXPECT_EQ(error.code(), tuttiRemoteError);
    EXPECT_EQ(error.culprits(), std::vector<Rank>{2});
    EXPECT_TRUE(contains(error, "left the communicator")) << error.what();
  });
}

TEST(ChannelTrouble, WhatWasPostedBeforeLeavingStillCounts) {
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    const Operation operation = rank.begin(kSumOfHundred);
    post_entries(operation);
    if (rank.rank() == 2) {
      rank.leave();
      return;
    }
    await_entries(operation);
    operation.finish();
  });
}

TEST(ChannelTrouble, TheFirstErrorIsEveryRanksError) {
  run_channels({.ranks = 4}, [](ChannelRank& rank) {
    const Operation operation = rank.begin(kSumOfHundred);
    rank.meet();
    if (rank.rank() == 3) {
      const Error error = error_of(
          [&] { rank.channel().raise(Error(tuttiInternalError, "raised by rank 3", {3})); });
      EXPECT_STREQ(error.what(), "raised by rank 3");
      return;
    }
    const Error error = error_of([&] { operation.wait(3, Phase::kEntry); });
    EXPECT_EQ(error.code(), tuttiInternalError);
    EXPECT_STREQ(error.what(), "raised by rank 3");
    EXPECT_STREQ(error_of([&] { rank.begin(); }).what(), "raised by rank 3");
  });
}

}  // namespace tutti::test
