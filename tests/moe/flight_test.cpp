// Plans in flight: as many as the group was made for, whatever the depth of its channel; and
// dispatches and combines in groups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <random>
#include <thread>

#include "plan_run.hpp"

namespace tutti::test {
namespace {

using testing::HasSubstr;

const Case kCase{.layout = tuttiMoeLayoutExpert,
                 .topk = 3,
                 .hidden = 8,
                 .ranks = 3,
                 .experts = 7,
                 .routing = Routing::kRagged};

tuttiMoeConfig_t config_for(int max_inflight) {
  static const Owners owners(kCase);
  tuttiMoeConfig_t config = config_of(kCase, owners);
  config.max_inflight = max_inflight;
  config.timeout_ms = 20000;
  return config;
}

void on_groups(int max_inflight, const std::function<void(GroupScope&, int)>& body) {
  const ThreadWorld world(kCase.ranks);
  world.run([&](int rank, tuttiComm_t comm) {
    GroupScope group(comm, config_for(max_inflight));
    ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", group.result(), tuttiGetLastError(comm)));
    body(group, rank);
  });
}

std::vector<Step> steps_of(int count) {
  std::vector<Step> steps;
  steps.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) steps.emplace_back(kCase, i);
  return steps;
}

void finish(PlanRun& run, const Step& step) {
  run.dispatch(step);
  run.check_dispatched(step);
  run.combine(step);
  run.check_combined(step);
}

void delay(std::mt19937& random) {
  if (random() % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 1000));
}

TEST(MoeFlight, ManyPlansAreUpdatedBeforeAnyIsDispatched) {
  constexpr int kPlans = 40;
  const std::vector<Step> steps = steps_of(kPlans);
  on_groups(kPlans, [&](GroupScope& group, int rank) {
    std::mt19937 random(static_cast<unsigned>(rank) + 1);
    std::deque<PlanRun> runs;
    for (int i = 0; i < kPlans; ++i) runs.emplace_back(group, rank, kCase, steps);
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < steps.size(); ++i) {
        delay(random);
        runs[i].update(steps[i]);
      }
      for (std::size_t i = steps.size(); i-- > 0;) {
        delay(random);
        finish(runs[i], steps[i]);
      }
    }
  });
}

TEST(MoeFlight, APlanWaitsForItsDispatchWhileAnotherGoesOn) {
  const std::vector<Step> steps = steps_of(60);
  on_groups(2, [&](GroupScope& group, int rank) {
    std::mt19937 random(static_cast<unsigned>(rank) + 1);
    PlanRun waiting(group, rank, kCase, steps), busy(group, rank, kCase, steps);
    waiting.update(steps[0]);
    for (const Step& step : steps) {
      delay(random);
      busy.whole(step, false);
    }
    finish(waiting, steps[0]);
  });
}

TEST(MoeFlight, PlansAreDestroyedBeforeTheirDispatch) {
  const std::vector<Step> steps = steps_of(1);
  on_groups(2, [&](GroupScope& group, int rank) {
    const Outgoing& out = steps[0].outgoing(rank);
    for (int i = 0; i < 50; ++i) {
      tuttiMoePlan_t plan = nullptr;
      MOE_OK(group, tuttiMoePlanCreate(group, &plan));
      MOE_OK(group, tuttiMoePlanUpdate(plan, out.ids.data(), tuttiInt32, 3, out.tokens, 3));
      MOE_OK(group, tuttiMoePlanDestroy(plan));
    }
    PlanRun(group, rank, kCase, steps).whole(steps[0]);
  });
}

TEST(MoeFlight, OnePlanMoreThanMaxInflightIsRefusedAndSendsNothing) {
  const std::vector<Step> steps = steps_of(3);
  on_groups(2, [&](GroupScope& group, int rank) {
    PlanRun a(group, rank, kCase, steps), b(group, rank, kCase, steps);
    PlanRun c(group, rank, kCase, steps);
    const Outgoing& out = steps[2].outgoing(rank);
    const auto update_c = [&] {
      return tuttiMoePlanUpdate(c.plan(), out.ids.data(), tuttiInt32, 3, out.tokens, 3);
    };
    a.update(steps[0]);
    b.update(steps[1]);
    a.update(steps[0]);  // in flight already
    EXPECT_EQ(update_c(), tuttiInvalidUsage);
    EXPECT_THAT(group.last_error(), HasSubstr("max_inflight is 2"));
    a.counts(steps[0]);
    EXPECT_EQ(update_c(), tuttiSuccess) << group.last_error();

    std::vector<std::byte> rows(kCase.row_bytes() * 64);
    tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    args.rows = rows.data();
    args.row_bytes = kCase.row_bytes();
    args.layout = kCase.layout;
    tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
    EXPECT_EQ(tuttiMoeDispatch(a.plan(), &args, &output, nullptr), tuttiInvalidUsage);
    EXPECT_THAT(group.last_error(), HasSubstr("max_inflight is 2"));
    finish(b, steps[1]);
    finish(a, steps[0]);
    finish(c, steps[2]);
  });
}

TEST(MoeFlight, PlansQueuedOnAStreamAreInFlightUntilItIsSynchronized) {
  const std::vector<Step> steps = steps_of(2);
  on_groups(1, [&](GroupScope& group, int rank) {
    tuttiStream_t stream = nullptr;
    ASSERT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
    PlanRun queued(group, rank, kCase, steps), refused(group, rank, kCase, steps);
    std::atomic<bool> gate{false};
    const auto await_gate = [](void* user) { static_cast<std::atomic<bool>*>(user)->wait(false); };
    queued.update(steps[0]);
    ASSERT_EQ(tuttiLaunchHostFunc(stream, await_gate, &gate), tuttiSuccess);
    queued.dispatch(steps[0], stream);
    const Outgoing& out = steps[1].outgoing(rank);
    EXPECT_EQ(tuttiMoePlanUpdate(refused.plan(), out.ids.data(), tuttiInt32, 3, out.tokens, 3),
              tuttiInvalidUsage);
    EXPECT_THAT(group.last_error(), HasSubstr("max_inflight is 1"));
    gate = true;
    gate.notify_all();
    ASSERT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
    queued.check_dispatched(steps[0]);
    refused.whole(steps[1]);
    EXPECT_EQ(tuttiStreamDestroy(stream), tuttiSuccess);
  });
}

// All ranks of a world in the hands of one thread.
class AllRanks {
 public:
  explicit AllRanks(const std::vector<Step>& steps)
      : world_(kCase.ranks), groups_(static_cast<std::size_t>(kCase.ranks)) {
    world_.run([&](int rank, tuttiComm_t comm) {
      groups_[static_cast<std::size_t>(rank)] = std::make_unique<GroupScope>(comm, config_for(2));
    });
    for (int rank = 0; rank < world_.ranks(); ++rank) {
      runs_.emplace_back(group(rank), rank, kCase, steps);
    }
  }
  GroupScope& group(int rank) { return *groups_[static_cast<std::size_t>(rank)]; }
  std::deque<PlanRun>& runs() { return runs_; }

 private:
  ThreadWorld world_;
  std::vector<std::unique_ptr<GroupScope>> groups_;
  std::deque<PlanRun> runs_;
};

// What every rank calls with `call`, as one group; done when this returns.
template <typename Call>
void in_group(AllRanks& all, tuttiStream_t stream, const Call& call) {
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  for (PlanRun& run : all.runs()) call(run);
  ASSERT_EQ(tuttiGroupEnd(), tuttiSuccess) << tuttiGetLastError(nullptr);
  if (stream != nullptr) {
    ASSERT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
  }
}

void step_in_groups(AllRanks& all, const Step& step, tuttiStream_t stream) {
  for (PlanRun& run : all.runs()) run.update(step);
  in_group(all, stream, [&](PlanRun& run) { run.dispatch(step, stream); });
  for (PlanRun& run : all.runs()) run.check_dispatched(step);
  in_group(all, stream, [&](PlanRun& run) { run.combine(step, stream); });
  for (PlanRun& run : all.runs()) run.check_combined(step);
}

TEST(MoeGroups, OneThreadDispatchesAndCombinesForAllRanks) {
  const std::vector<Step> steps = steps_of(10);
  AllRanks all(steps);
  for (const Step& step : steps) step_in_groups(all, step, nullptr);
}

TEST(MoeGroups, OneStreamServesAllRanks) {
  const std::vector<Step> steps = steps_of(10);
  AllRanks all(steps);
  tuttiStream_t stream = nullptr;
  ASSERT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
  for (const Step& step : steps) step_in_groups(all, step, stream);
  EXPECT_EQ(tuttiStreamDestroy(stream), tuttiSuccess);
}

TEST(MoeGroups, DispatchAndCombineMayShareAGroup) {
  const std::vector<Step> steps = steps_of(4);
  AllRanks all(steps);
  for (const Step& step : steps) {
    for (PlanRun& run : all.runs()) run.update(step);
    in_group(all, nullptr, [&](PlanRun& run) {
      run.dispatch(step);
      run.combine(step);
    });
    for (PlanRun& run : all.runs()) {
      run.check_dispatched(step);
      run.check_combined(step);
    }
  }
}

TEST(MoeGroups, AnUpdateBehindAQueuedOperationIsRefusedAndNothingIsSent) {
  const std::vector<Step> steps = steps_of(2);
  AllRanks all(steps);
  PlanRun other(all.group(0), 0, kCase, steps);
  for (PlanRun& run : all.runs()) run.update(steps[0]);
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  for (PlanRun& run : all.runs()) run.dispatch(steps[0]);
  const Outgoing& out = steps[1].outgoing(0);
  EXPECT_EQ(tuttiMoePlanUpdate(other.plan(), out.ids.data(), tuttiInt32, 3, out.tokens, 3),
            tuttiInvalidUsage);
  EXPECT_THAT(all.group(0).last_error(), HasSubstr("tuttiGroupStart"));
  EXPECT_EQ(tuttiGroupEnd(), tuttiInvalidUsage);
  step_in_groups(all, steps[1], nullptr);
}

}  // namespace
}  // namespace tutti::test
