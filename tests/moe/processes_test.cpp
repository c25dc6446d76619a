// Steps between processes, from private memory of the caller: rows large enough are copied by the
// kernel, smaller ones and, with TUTTI_IN_PLACE=0, all of them, through library memory.
#include <gtest/gtest.h>

#include "plan_run.hpp"
#include "tests/support/process_world.hpp"

namespace tutti::test {
namespace {

Case case_of(tuttiMoeLayout_t layout, tuttiMoeRowsPer_t rows_per, int hidden) {
  Case c;
  c.layout = layout;
  c.rows_per = rows_per;
  c.topk = 4;
  c.hidden = hidden;
  c.ranks = 3;
  c.routing = Routing::kRagged;
  c.side_bytes = 40;
  c.input = Memory::kPlain;
  c.results = Memory::kPlain;
  c.caller_output = hidden == 4096;
  c.padded_stride = true;
  return c;
}

class MoeOfProcesses : public testing::TestWithParam<
                           std::tuple<tuttiMoeLayout_t, tuttiMoeRowsPer_t, int, const char*>> {};

TEST_P(MoeOfProcesses, PrivateRowsArriveWhole) {
  const auto& [layout, rows_per, hidden, in_place] = GetParam();
  const ScopedVariable variable("TUTTI_IN_PLACE", in_place);
  const Case c = case_of(layout, rows_per, hidden);
  ProcessWorld world(c.ranks, 60'000, [&c](int rank, tuttiComm_t comm) {
    const Owners owners(c);
    std::vector<Step> steps;
    for (int number = 0; number < 20; ++number) steps.emplace_back(c, number);
    GroupScope group(comm, config_of(c, owners));
    RANK_CHECK(group.result() == tuttiSuccess, comm);
    PlanRun run(group, rank, c, steps);
    for (const Step& step : steps) run.whole(step);
    return testing::Test::HasFailure() ? 1 : 0;
  });
  for (int rank = 0; rank < c.ranks; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, MoeOfProcesses,
    testing::Combine(testing::Values(tuttiMoeLayoutToken, tuttiMoeLayoutExpert),
                     testing::Values(tuttiMoeRowsPerRank, tuttiMoeRowsPerLane),
                     testing::Values(512, 2048, 4096),  // elements of two bytes
                     testing::Values("1", "0")));

}  // namespace
}  // namespace tutti::test
