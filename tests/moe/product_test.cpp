// Dispatch and combine against the serial oracle, over a pairwise thinned product of everything
// that varies; several steps one after the other, without barriers, with different numbers of
// tokens.
#include <gtest/gtest.h>

#include "plan_run.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

class MoeProduct : public testing::TestWithParam<std::tuple<World, Case>> {};

TEST_P(MoeProduct, EveryRankReceivesAndSumsWhatTheOracleSays) {
  const auto& [world, c] = GetParam();
  const Owners owners(c);
  const std::vector<Step> steps = {Step(c, 0), Step(c, 1), Step(c, 2)};
  world.run(c.ranks, [&, &c = c](int rank, tuttiComm_t comm) {
    GroupScope group(comm, config_of(c, owners));
    ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", group.result(), tuttiGetLastError(comm)));
    int count = 0;
    const int* experts = nullptr;
    MOE_OK(group, tuttiMoeLocalExperts(group, &count, &experts));
    EXPECT_EQ(std::vector<int>(experts, experts + count), owners.experts_of(rank));
    PlanRun run(group, rank, c, steps);
    for (std::size_t i = 0; i < steps.size(); ++i) run.whole(steps[i], i != 1);
  });
}

INSTANTIATE_TEST_SUITE_P(Pairwise, MoeProduct,
                         testing::Combine(testing::ValuesIn(worlds()),
                                          testing::ValuesIn(pairwise_cases())));

}  // namespace
}  // namespace tutti::test
