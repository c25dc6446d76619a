// Steps that follow each other, overlap, or repeat: what a serving engine does with plans.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>

#include "plan_run.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

// The group of a case on every rank of a world, and a body to run in it.
class MoeSteps : public testing::TestWithParam<World> {
 protected:
  template <typename Body>
  static void with_group(const Case& c, Body body) {
    const Owners owners(c);
    GetParam().run(c.ranks, [&](int rank, tuttiComm_t comm) {
      tuttiMoeConfig_t config = config_of(c, owners);
      config.max_inflight = 3;
      GroupScope group(comm, config);
      ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", group.result(), tuttiGetLastError(comm)));
      body(group, rank);
    });
  }
};

TEST_P(MoeSteps, HundredsFollowEachOtherWithoutABarrier) {
  for (const auto layout : {tuttiMoeLayoutToken, tuttiMoeLayoutExpert}) {
    for (const bool in_place : {false, true}) {
      const Case c{.layout = layout,
                   .align = 8,
                   .topk = 3,
                   .hidden = 5,
                   .ranks = 3,
                   .experts = 7,
                   .routing = Routing::kRagged,
                   .input = Memory::kBuffer,
                   .results = Memory::kBuffer,
                   .in_place = in_place};
      const std::vector<Step> steps = steps_of(c, 300);
      with_group(c, [&](GroupScope& group, int rank) {
        PlanRun run(group, rank, c, steps);
        for (std::size_t i = 0; i < steps.size() && !testing::Test::HasFailure(); ++i) {
          run.whole(steps[i], i % 3 == 0);
        }
      });
    }
  }
}

// Few entries travel in lines, where their experts' numbers are small enough.
TEST_P(MoeSteps, RanksOfThousandsOfExperts) {
  for (const auto layout : {tuttiMoeLayoutToken, tuttiMoeLayoutExpert}) {
    const Case c{.layout = layout, .topk = 2, .hidden = 8, .ranks = 3, .experts = 9000};
    const std::vector<Step> steps = steps_of(c, 4);
    with_group(c, [&](GroupScope& group, int rank) {
      PlanRun run(group, rank, c, steps);
      for (const Step& step : steps) run.whole(step, true);
    });
  }
}

TEST_P(MoeSteps, PlansInFlightFinishInAnyOrder) {
  const Case c{.topk = 4, .hidden = 64, .ranks = 5, .experts = 11, .routing = Routing::kRagged};
  for (const auto layout : {tuttiMoeLayoutToken, tuttiMoeLayoutExpert}) {
    Case of_layout = c;
    of_layout.layout = layout;
    const std::vector<Step> steps = steps_of(of_layout, 12);
    with_group(of_layout, [&](GroupScope& group, int rank) {
      PlanRun a(group, rank, of_layout, steps), b(group, rank, of_layout, steps);
      for (std::size_t i = 0; i + 1 < steps.size(); i += 2) {
        a.update(steps[i]);
        b.update(steps[i + 1]);
        a.dispatch(steps[i]);
        b.dispatch(steps[i + 1]);
        a.check_dispatched(steps[i]);
        b.check_dispatched(steps[i + 1]);
        PlanRun& first = i % 4 == 0 ? b : a;
        PlanRun& second = i % 4 == 0 ? a : b;
        first.combine(steps[i % 4 == 0 ? i + 1 : i]);
        second.combine(steps[i % 4 == 0 ? i : i + 1]);
        a.check_combined(steps[i]);
        b.check_combined(steps[i + 1]);
      }
    });
  }
}

// Counts after a dispatch are of its step, whatever its sources have done to their tables since.
TEST_P(MoeSteps, CountsMayBeTakenWhenOthersHaveGoneOn) {
  const Case c{.topk = 8, .hidden = 8, .ranks = 3, .experts = 24, .routing = Routing::kRagged};
  const std::vector<Step> steps = steps_of(c, 3);
  Gate others_have_gone_on;
  std::atomic<int> others{c.ranks - 1};
  with_group(c, [&](GroupScope& group, int rank) {
    PlanRun run(group, rank, c, steps);
    run.update(steps[0]);
    run.dispatch(steps[0]);
    if (rank == 0) {
      others_have_gone_on.pass();
      run.counts(steps[0]);
    }
    run.update(steps[1]);
    run.update(steps[2]);
    if (rank != 0 && --others == 0) others_have_gone_on.release();
    run.dispatch(steps[2]);
    run.check_dispatched(steps[2]);
  });
}

TEST_P(MoeSteps, OneRoutingServesManyDispatchesAndCombines) {
  const Case c{.layout = tuttiMoeLayoutExpert, .topk = 2, .hidden = 64, .ranks = 3, .experts = 8};
  const Step first(c, 0);
  std::vector<Outgoing> routing;
  routing.reserve(static_cast<std::size_t>(c.ranks));
  for (int rank = 0; rank < c.ranks; ++rank) routing.push_back(first.outgoing(rank));
  std::vector<Step> steps;  // other tokens on the same routing
  steps.reserve(6);
  for (int i = 0; i < 6; ++i) steps.emplace_back(c, i, routing);
  with_group(c, [&](GroupScope& group, int rank) {
    PlanRun run(group, rank, c, steps);
    run.update(first);
    for (const Step& step : steps) {
      run.dispatch(step);
      run.check_dispatched(step);
      for (int repeat = 0; repeat < 2; ++repeat) {
        run.combine(step);
        run.check_combined(step);
      }
    }
  });
}

TEST_P(MoeSteps, StepsWithoutAnyTokensPass) {
  Case c{.topk = 2, .hidden = 64, .ranks = 3, .experts = 8};
  for (const auto layout : {tuttiMoeLayoutToken, tuttiMoeLayoutExpert}) {
    c.layout = layout;
    const std::vector<Step> steps = {Step(c, 0, std::vector<Outgoing>(3)), Step(c, 1),
                                     Step(c, 2, std::vector<Outgoing>(3))};
    with_group(c, [&](GroupScope& group, int rank) {
      PlanRun run(group, rank, c, steps);
      for (const Step& step : steps) run.whole(step);
    });
  }
}

// Experts of the same 40 tokens, spread over any number of ranks: the same bits come back.
TEST_P(MoeSteps, SourceOnlySumsAreTheSameOnAnyNumberOfRanks) {
  constexpr int kTokens = 40, kTopK = 8, kExperts = 30;
  constexpr std::size_t kHidden = 100;
  std::mt19937 random(9);
  std::vector<std::int32_t> ids(std::size_t{kTokens} * kTopK);
  std::vector<float> weights(ids.size()), tokens(kTokens * kHidden);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<std::int32_t>((i / kTopK * 7 + i % kTopK * 11) % kExperts);
    weights[i] = static_cast<float>(random() % 1000) / 999.0f;
  }
  for (float& x : tokens) x = static_cast<float>(random() % 10000) / 1234.5f - 4.0f;

  std::vector<float> first;
  for (const int ranks : {1, 2, 3, 5, 8}) {
    std::vector<float> out(tokens.size());
    GetParam().run(ranks, [&](int rank, tuttiComm_t comm) {
      tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
      config.num_experts = kExperts;
      config.max_tokens_per_rank = kTokens;
      config.max_topk = kTopK;
      config.max_row_bytes = kHidden * sizeof(float);
      GroupScope group(comm, config);
      ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", group.result(), tuttiGetLastError(comm)));
      const tuttiMoePlan_t plan = group.new_plan();
      const int begin = kTokens * rank / ranks, count = kTokens * (rank + 1) / ranks - begin;
      const auto token = static_cast<std::size_t>(begin);
      MOE_OK(group, tuttiMoePlanUpdate(plan, &ids[token * kTopK], tuttiInt32, kTopK, count, kTopK));
      tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
      args.rows = &tokens[token * kHidden];
      args.row_bytes = kHidden * sizeof(float);
      args.topk_weights = &weights[token * kTopK];
      args.layout = tuttiMoeLayoutExpert;
      tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
      MOE_OK(group, tuttiMoeDispatch(plan, &args, &output, nullptr));
      auto* rows = static_cast<float*>(output.rows);
      for (std::size_t i = 0; i < output.num_rows * kHidden; ++i) rows[i] *= 1.1f;
      tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
      combine.rows = rows;
      combine.hidden = kHidden;
      combine.type = tuttiFloat32;
      MOE_OK(group, tuttiMoeCombine(plan, &combine, &out[token * kHidden], nullptr));
    });
    if (first.empty()) first = out;
    EXPECT_EQ(std::memcmp(first.data(), out.data(), out.size() * sizeof(float)), 0)
        << ranks << " ranks";
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, MoeSteps, testing::ValuesIn(worlds()));

}  // namespace
}  // namespace tutti::test
