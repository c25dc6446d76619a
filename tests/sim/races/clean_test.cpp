// Our algorithms race with nobody, whatever the order of things.
#include <gtest/gtest.h>

#include "tests/sim/races/race_run.hpp"
#include "tests/support/scale.hpp"

namespace tutti::test {
namespace {

constexpr std::uint64_t kCleanSeeds = kSanitized ? 3 : 100;

class Clean : public testing::TestWithParam<std::size_t> {};

TEST_P(Clean, UnderHostileSeeds) {
  const Scenario& scenario = scenarios()[GetParam()];
  for (std::uint64_t seed = 1; seed <= kCleanSeeds; ++seed) {
    const RunOutcome outcome = run_scenario(scenario, seed);
    ASSERT_EQ(outcome.found, "") << scenario.name << ", seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Clean, testing::Range(std::size_t{0}, scenarios().size()),
                         [](const auto& test) { return scenarios()[test.param].test_name(); });

}  // namespace
}  // namespace tutti::test
