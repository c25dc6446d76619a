// Slots, credits and the places where numbers wrap.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <thread>

#include "tests/channel/exchanges.hpp"

namespace tutti::test {

namespace {

void pause_sometimes(std::mt19937& random) {
  if (random() % 16 == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
  }
}

}  // namespace

TEST(ChannelOrder, SlotsWrapAroundWithOperationsThatFinishOutOfOrder) {
  for (const int ranks : {1, 2, 3}) {
    run_channels({.ranks = ranks}, [](ChannelRank& rank) {
      rank.channel().become_concurrent();
      std::mt19937 random(17U + static_cast<unsigned>(rank.rank()));
      const unsigned depth = rank.channel().layout().depth;
      for (int epoch = 0; epoch < 200; ++epoch) {
        std::vector<Operation> open;
        // As many on every rank; waiting starts when all are posted, so that any order is good.
        // Credits are told late, when depth / 2 operations and a sweep have passed: no more than a
        // quarter of the slots can be filled without waiting for anybody.
        const unsigned count = 1 + static_cast<unsigned>(epoch * 7) % (depth / 4);
        for (unsigned i = 0; i < count; ++i) open.push_back(rank.begin());
        std::shuffle(open.begin(), open.end(), random);
        for (const Operation& operation : open) post_entries(operation);
        std::shuffle(open.begin(), open.end(), random);
        for (const Operation& operation : open) {
          await_entries(operation);
          pause_sometimes(random);
          operation.finish();
        }
      }
    });
  }
}

TEST(ChannelOrder, CreditsStopARankThatRunsAhead) {
  // Rank 0 never waits for rank 1 but for its credits. `done` is what rank 1 has finished.
  std::atomic<Sequence> done{0};
  run_channels({}, [&done](ChannelRank& rank) {
    std::mt19937 random(3);
    const unsigned depth = rank.channel().layout().depth;
    for (int i = 0; i < 5000 && !testing::Test::HasFailure(); ++i) {
      const Operation operation = rank.begin();
      if (rank.rank() == 0) {
        one_way(operation, 0);
        // Posted into the slot of sequence - depth: it was free.
        EXPECT_LE(operation.sequence(), done.load() + depth);
      } else {
        one_way(operation, 0);
        pause_sometimes(random);
        done.store(operation.sequence());
      }
      operation.finish();
    }
  });
}

TEST(ChannelOrder, CreditsComeBackWhenOperationsFinishOnManyThreads) {
  // The receivers finish on three threads at once; a credit that goes back would stop the root.
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    rank.channel().become_concurrent();
    for (int epoch = 0; epoch < 400; ++epoch) {
      std::vector<Operation> open;
      for (int i = 0; i < 9; ++i) open.push_back(rank.begin());
      if (rank.rank() == 0) {
        for (const Operation& operation : open) {
          one_way(operation, 0);
          operation.finish();
        }
        continue;
      }
      on_ranks(3, [&open](int worker) {
        for (std::size_t i = 0; i < 3; ++i) {
          const Operation& operation = open[static_cast<std::size_t>(worker) + 3 * i];
          one_way(operation, 0);
          operation.finish();
        }
      });
    }
  });
}

TEST(ChannelOrder, CreditsAreToldWhereOnlySteppedMarksAreExchanged) {
  // Stamps of stepped marks are not read, so credits cannot travel in them.
  run_channels({}, [](ChannelRank& rank) {
    for (int i = 0; i < 200; ++i) {
      const Operation operation = rank.begin();
      operation.post(rank.next(), Phase::kReady, 1);
      operation.wait_step(rank.previous(), Phase::kReady, 1);
      operation.finish();
    }
  });
}

TEST(ChannelOrder, CreditsAreToldWhereRanksNeverSpeakToEachOther) {
  // For long, only rank 0 posts; then rank 1 does, whom nobody else has told anything.
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    for (const Rank root : {0, 1, 2, 1, 0}) {
      for (int i = 0; i < 100; ++i) {
        const Operation operation = rank.begin();
        one_way(operation, root);
        operation.finish();
      }
    }
  });
}

TEST(ChannelOrder, SequencesWrapInLinesAndStampsAndAssemblies) {
  for (const unsigned bits : {16U, 32U, 48U, 62U}) {
    for (const unsigned before : {1U, 5U, 40U}) {
      SCOPED_TRACE(testing::Message() << "2^" << bits << " - " << before);
      run_channels({.ranks = 3, .first_sequence = (Sequence{1} << bits) - before},
                   [](ChannelRank& rank) {
                     for (int i = 0; i < 90 && !testing::Test::HasFailure(); ++i) {
                       const Operation operation = rank.begin();
                       if (i % 4 == 0) all_to_all(operation);
                       if (i % 4 == 1) assembly(operation);
                       if (i % 4 == 2) one_way(operation, i % rank.ranks());
                       if (i % 4 == 3) staged_ring(operation, 4);
                       operation.finish();
                     }
                   });
    }
  }
}

TEST(ChannelOrder, BeginWaitsForAFreeSlot) {
  run_channels({}, [](ChannelRank& rank) {
    rank.channel().become_concurrent();
    std::vector<Operation> open;
    for (unsigned i = 0; i < rank.channel().layout().depth; ++i) open.push_back(rank.begin());
    std::atomic<bool> finished{false};
    std::thread other([&] {
      // All but the oldest: that frees no slot.
      for (std::size_t i = 1; i < open.size(); ++i) open[i].finish();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      finished.store(true);
      open[0].finish();
    });
    const Operation one_more = rank.begin();
    EXPECT_TRUE(finished.load());
    EXPECT_EQ(one_more.sequence(), open[0].sequence() + open.size());
    other.join();
    all_to_all(one_more);
    one_more.finish();
    EXPECT_EQ(rank.channel().completed(), one_more.sequence() + 1);
  });
}

TEST(ChannelOrder, StagingIsFreeBeforeItIsClaimedAgain) {
  // The same slot's staging over and over, filled by each rank and read by all.
  run_channels({.ranks = 3}, [](ChannelRank& rank) {
    std::mt19937 random(5U + static_cast<unsigned>(rank.rank()));
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) {
      const Operation operation = rank.begin();
      const auto staging = operation.claim_staging();
      const auto byte = [&operation](Rank source) {
        return static_cast<int>(token_of(operation, source) & 0xFF);
      };
      std::memset(staging.data(), byte(rank.rank()), 1024);
      post_entries(operation);
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        if (peer == rank.rank()) continue;
        operation.wait(peer, Phase::kEntry);
        pause_sometimes(random);
        const std::byte* const seen = operation.view_staging(peer, 0, 1024);
        for (std::size_t k = 0; k < 1024; ++k) ASSERT_EQ(static_cast<int>(seen[k]), byte(peer));
      }
      operation.finish();
    }
  });
}

TEST(ChannelOrder, StagedStreamsOfManySteps) {
  run_channels({.ranks = 4}, [](ChannelRank& rank) {
    for (const unsigned steps : {1U, 2U, 3U, 17U, 70'000U, 5U}) {
      const Operation operation = rank.begin();
      // More than 2^16 steps: values reach into the next sequences' range, not into the slot's.
      if (steps > 1000) {
        operation.post(rank.next(), Phase::kReady, steps);
        operation.wait_step(rank.previous(), Phase::kReady, steps);
      } else {
        staged_ring(operation, steps);
      }
      operation.finish();
    }
    for (int i = 0; i < 40; ++i) {
      const Operation operation = rank.begin();
      staged_ring(operation, 3);
      operation.finish();
    }
  });
}

TEST(ChannelOrder, AssembliesAndLinesInterleave) {
  for (const int ranks : {1, 2, 3, 8}) {
    run_channels({.ranks = ranks}, [](ChannelRank& rank) {
      std::mt19937 schedule(11);  // the same on every rank
      std::mt19937 delays(static_cast<unsigned>(rank.rank()));
      for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) {
        const Operation operation = rank.begin();
        if (schedule() % 2 == 0) {
          assembly(operation);
        } else {
          all_to_all(operation);
        }
        pause_sometimes(delays);
        operation.finish();
      }
    });
  }
}

}  // namespace tutti::test
