// Every operation that only moves data, against where each element must come from.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <numeric>

#include "base/pause.hpp"
#include "tests/collectives/exchange_job.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

struct Way {
  const char* algorithm;  // TUTTI_ALGO
  // TUTTI_IN_PLACE: without it every buffer goes through staging, as private memory of other
  // processes does.
  const char* in_place;
};

class Exchanges : public testing::TestWithParam<std::tuple<World, int, Way>> {
 protected:
  static const World& world() { return std::get<0>(GetParam()); }
  static int ranks() { return std::get<1>(GetParam()); }
  static void run(const World::Body& body) { world().run(ranks(), body); }
  const ScopedVariable algorithm_{"TUTTI_ALGO", std::get<2>(GetParam()).algorithm};
  const ScopedVariable in_place_{"TUTTI_IN_PLACE", std::get<2>(GetParam()).in_place};
};

TEST_P(Exchanges, DeliverEveryElementForEverySizePlaceAndMemory) {
  run([](int rank, tuttiComm_t comm) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{6}, std::size_t{7}, std::size_t{300},
          std::size_t{5003}, std::size_t{50'001}, world().largest_count}) {
      for (const bool in_place : {false, true}) {
        for (const Memory memory : {Memory::kSymmetric, Memory::kPlain}) {
          ExchangeJob(rank, ranks(), comm, {count, in_place, memory}).run();
        }
      }
    }
  });
}

TEST_P(Exchanges, MayMixBuffersOfBothKindsAcrossRanks) {
  run([](int rank, tuttiComm_t comm) {
    for (const std::size_t count : {5u, 900u, 60'000u}) {
      ExchangeJob(rank, ranks(), comm,
                  {count, false, rank % 2 == 0 ? Memory::kSymmetric : Memory::kPlain})
          .run();
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    Ranks, Exchanges,
    testing::Combine(testing::ValuesIn(worlds()), testing::ValuesIn(rank_counts()),
                     testing::Values(Way{"exchange", "1"}, Way{"exchange", "0"},
                                     Way{"exchange_push", "1"}, Way{"scatter_gather", "1"})));

class Epochs : public testing::TestWithParam<World> {};

// 20,000 operations back to back: lines, slots and credits many times round.
TEST_P(Epochs, KeepTheirOrderOverManyEpochs) {
  GetParam().run(3, [](int rank, tuttiComm_t comm) {
    for (std::uint32_t epoch = 0; epoch < 20'000; ++epoch) {
      ASSERT_NO_FATAL_FAILURE(exchange_words(rank, 3, epoch, false, comm));
    }
  });
}

// A root that only sends runs ahead of its peers until their credit stops it, and no further.
TEST_P(Epochs, LetARootRunAheadWithoutLosingAnything) {
  GetParam().run(3, [](int rank, tuttiComm_t comm) {
    for (std::uint32_t epoch = 0; epoch < 3000; ++epoch) {
      std::uint32_t words[64];
      std::fill(std::begin(words), std::end(words), rank == 0 ? epoch : 0);
      ASSERT_EQ(tuttiBroadcast(words, words, 64, tuttiUint32, 0, comm, nullptr), tuttiSuccess);
      ASSERT_EQ(words[0], epoch);
      ASSERT_EQ(words[63], epoch);
      if (rank == 2 && epoch % 500 == 0) pause_for(std::chrono::milliseconds(5));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, Epochs, testing::ValuesIn(worlds()));

}  // namespace
}  // namespace tutti::test
