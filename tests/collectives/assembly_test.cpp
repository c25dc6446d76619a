// Rows by two assemblies, which only very many ranks choose by themselves: on threads, as
// assemblies need words that all ranks share.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include "tests/collectives/exchange_job.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

class ExchangeAssembly : public testing::TestWithParam<int> {
 protected:
  const ScopedVariable algorithm_{"TUTTI_ALGO", "assembly"};
};

TEST_P(ExchangeAssembly, DeliversEveryElementForEverySizePlaceAndMemory) {
  const ThreadWorld world(GetParam());
  world.run([](int rank, tuttiComm_t comm) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{300}, std::size_t{50'001}}) {
      for (const bool in_place : {false, true}) {
        for (const Memory memory : {Memory::kSymmetric, Memory::kPlain}) {
          ExchangeJob(rank, GetParam(), comm, {count, in_place, memory}).run();
        }
      }
    }
  });
}

// Nobody may read anybody's buffer: the first assembly says so, and the rows go by exchange.
TEST_P(ExchangeAssembly, LeavesRowsOutOfReachToTheExchange) {
  const ScopedVariable staged("TUTTI_IN_PLACE", "0");
  const ThreadWorld world(GetParam());
  world.run([](int rank, tuttiComm_t comm) {
    for (const std::size_t count : {5u, 900u, 60'000u}) {
      for (const bool in_place : {false, true}) {
        ExchangeJob(rank, GetParam(), comm, {count, in_place, Memory::kPlain}).run();
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, ExchangeAssembly, testing::ValuesIn(rank_counts()));

// Two in each operation, in turn with those of reductions.
TEST(ExchangeAssemblies, KeepTheirOrderOverManyEpochs) {
  const ScopedVariable algorithm("TUTTI_ALGO", "assembly");
  const ThreadWorld world(3);
  world.run([](int rank, tuttiComm_t comm) {
    for (std::uint32_t epoch = 0; epoch < 3'000; ++epoch) {
      ASSERT_NO_FATAL_FAILURE(exchange_words(rank, 3, epoch, true, comm));
      if (epoch % 3 != 0) continue;
      std::uint32_t sum = epoch;
      ASSERT_EQ(tuttiAllReduce(&sum, &sum, 1, tuttiUint32, tuttiSum, comm, nullptr), tuttiSuccess);
      ASSERT_EQ(sum, 3 * epoch);
    }
  });
}

}  // namespace
}  // namespace tutti::test
