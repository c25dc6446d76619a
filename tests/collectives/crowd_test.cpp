// More ranks than a slot of staging has lines for.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

TEST(Crowd, HundredsOfRanksReduceThroughStaging) {
  if (kSanitized) GTEST_SKIP() << "hundreds of threads; reductions_test.cpp has the same with few";
  constexpr int kRanks = 352;
  constexpr std::size_t kCount = 40'001;
  const ScopedVariable staged("TUTTI_IN_PLACE", "0");
  const ScopedVariable algorithm("TUTTI_ALGO", "two_shot");
  ThreadWorld(kRanks).run([](int rank, tuttiComm_t comm) {
    std::vector<std::uint64_t> values(kCount);
    for (std::size_t i = 0; i < kCount; ++i) values[i] = i + static_cast<std::uint64_t>(rank);
    expect_ok(
        tuttiAllReduce(values.data(), values.data(), kCount, tuttiUint64, tuttiSum, comm, nullptr),
        comm);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      wrong += values[i] != kRanks * i + kRanks * (kRanks - 1) / 2;
    }
    EXPECT_EQ(wrong, 0u);
  });
}

}  // namespace
}  // namespace tutti::test
