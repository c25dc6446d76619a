// How far a rank of a concurrent channel may be ahead without waiting: operations that are posted
// before any is waited for, peers that complete theirs in any order, and peers that do nothing.
#include <algorithm>
#include <random>
#include <thread>

#include "tests/channel/exchanges.hpp"

namespace tutti::test {

namespace {

std::vector<Operation> begin_some(ChannelRank& rank, std::size_t count) {
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < count; ++i) operations.push_back(rank.begin());
  return operations;
}

void complete_in_any_order(std::vector<Operation> operations, std::mt19937& random) {
  std::shuffle(operations.begin(), operations.end(), random);
  for (const Operation& operation : operations) {
    await_entries(operation);
    operation.finish();
  }
}

// The same everywhere, or different on every rank.
std::mt19937 common_random() { return std::mt19937(4711); }
std::mt19937 own_random(const ChannelRank& rank) {
  return std::mt19937(static_cast<unsigned>(rank.rank()) + 1);
}

ChannelSetup setup_of(int ranks) { return {.ranks = ranks, .timeout = std::chrono::seconds(10)}; }

}  // namespace

TEST(ChannelCredit, EveryRankPostsManyOperationsBeforeItWaitsForAny) {
  for (const int ranks : {2, 3, 5}) {
    run_channels(setup_of(ranks), [](ChannelRank& rank) {
      rank.channel().become_concurrent();
      std::mt19937 schedule = common_random(), own = own_random(rank);
      for (int epoch = 0; epoch < 300; ++epoch) {
        const std::size_t count = 1 + schedule() % rank.channel().ahead();
        if (own() % 32 == 0) std::this_thread::sleep_for(std::chrono::microseconds(own() % 500));
        const std::vector<Operation> operations = begin_some(rank, count);
        for (const Operation& operation : operations) post_entries(operation);
        complete_in_any_order(operations, own);
      }
    });
  }
}

// One-way operations, completed in any order: nothing but credit lines tells the root, and what the
// others have completed last is told in no later operation of theirs.
TEST(ChannelCredit, ARankIsAheadOfPeersThatDoNothing) {
  run_channels(setup_of(3), [](ChannelRank& rank) {
    rank.channel().become_concurrent();
    std::mt19937 schedule = common_random(), own = own_random(rank);
    for (int epoch = 0; epoch < 300; ++epoch) {
      const Rank root = static_cast<Rank>(schedule() % 3);
      const std::size_t count = 1 + schedule() % rank.channel().ahead();
      std::vector<Operation> operations;
      if (rank.rank() == root) {
        operations = begin_some(rank, count);
        for (const Operation& operation : operations) post_entries(operation);
      }
      rank.meet();  // nobody else begins before the root has posted everything
      if (rank.rank() != root) operations = begin_some(rank, count);
      std::shuffle(operations.begin(), operations.end(), own);
      for (const Operation& operation : operations) {
        if (rank.rank() != root) one_way(operation, root);
        operation.finish();
      }
      rank.meet();
    }
  });
}

// A root that only sends completes its operations long before the others have: it may begin and
// post as many more before it hears of them.
TEST(ChannelCredit, OneOperationAtATimeNeedsNoTellingApart) {
  run_channels(setup_of(3), [](ChannelRank& rank) {
    std::mt19937 schedule = common_random(), own = own_random(rank);
    for (int i = 0; i < 2000; ++i) {
      const Operation operation = rank.begin();
      const unsigned kind = static_cast<unsigned>(schedule());
      if (own() % 128 == 0) std::this_thread::sleep_for(std::chrono::microseconds(own() % 300));
      kind % 3 == 0 ? all_to_all(operation) : one_way(operation, static_cast<Rank>(kind / 3 % 3));
      operation.finish();
    }
  });
}

}  // namespace tutti::test
