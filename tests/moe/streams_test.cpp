// Dispatch and combine on streams: in order on one, side by side on several, and what is refused
// meanwhile.
#include <gtest/gtest.h>

#include <array>
#include <atomic>

#include "base/pause.hpp"
#include "plan_run.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

class ScopedStream {
 public:
  ScopedStream() { EXPECT_EQ(tuttiStreamCreate(&stream_), tuttiSuccess); }
  ~ScopedStream() { EXPECT_EQ(tuttiStreamDestroy(stream_), tuttiSuccess); }
  ScopedStream(const ScopedStream&) = delete;
  ScopedStream& operator=(const ScopedStream&) = delete;
  operator tuttiStream_t() const { return stream_; }
  void synchronize() const { EXPECT_EQ(tuttiStreamSynchronize(stream_), tuttiSuccess); }

 private:
  tuttiStream_t stream_ = nullptr;
};

const Case kCase{.layout = tuttiMoeLayoutExpert,
                 .topk = 4,
                 .hidden = 64,
                 .ranks = 3,
                 .experts = 8,
                 .routing = Routing::kRagged,
                 .biases = 1,
                 .input = Memory::kBuffer,
                 .caller_output = true};

class MoeStreams : public testing::TestWithParam<World> {};

template <typename Body>
void on_ranks(const Case& c, Body body) {
  const Owners owners(c);
  MoeStreams::GetParam().run(c.ranks, [&](int rank, tuttiComm_t comm) {
    GroupScope group(comm, config_of(c, owners));
    ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", group.result(), tuttiGetLastError(comm)));
    body(group, rank);
  });
}

TEST_P(MoeStreams, CombineFollowsDispatchOnOneStreamWithoutTheCallerWaiting) {
  for (const auto layout : {tuttiMoeLayoutToken, tuttiMoeLayoutExpert}) {
    Case c = kCase;
    c.layout = layout;
    const std::vector<Step> steps = steps_of(c, 20);
    on_ranks(c, [&](GroupScope& group, int rank) {
      const ScopedStream stream;
      PlanRun run(group, rank, c, steps);
      for (const Step& step : steps) {
        run.update(step);
        run.dispatch(step, stream);
        run.combine(step, stream);
        stream.synchronize();
        run.check_dispatched(step);
        run.check_combined(step);
      }
    });
  }
}

TEST_P(MoeStreams, LibraryOwnedOutputsAreThereWhenTheStreamIs) {
  Case c = kCase;
  c.caller_output = false;
  c.in_place = true;
  const std::vector<Step> steps = steps_of(c, 10);
  on_ranks(c, [&](GroupScope& group, int rank) {
    const ScopedStream stream;
    PlanRun run(group, rank, c, steps);
    for (const Step& step : steps) {
      run.update(step);
      run.dispatch(step, stream);
      stream.synchronize();
      run.check_dispatched(step);
      run.combine(step, stream);
      stream.synchronize();
      run.check_combined(step);
    }
  });
}

TEST_P(MoeStreams, PlansOnStreamsOfTheirOwnRunSideBySide) {
  const std::vector<Step> steps = steps_of(kCase, 20);
  on_ranks(kCase, [&](GroupScope& group, int rank) {
    const ScopedStream left, right;
    PlanRun a(group, rank, kCase, steps), b(group, rank, kCase, steps);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      PlanRun& run = i % 2 == 0 ? a : b;
      const ScopedStream& stream = i % 2 == 0 ? left : right;
      if (i >= 2) {
        stream.synchronize();
        run.check_dispatched(steps[i - 2]);
        run.check_combined(steps[i - 2]);
      }
      run.update(steps[i]);
      run.dispatch(steps[i], stream);
      run.combine(steps[i], stream);
    }
    left.synchronize();
    right.synchronize();
  });
}

TEST_P(MoeStreams, APlanBelongsToItsStreamUntilThatIsDone) {
  const std::vector<Step> steps = steps_of(kCase, 1);
  on_ranks(kCase, [&](GroupScope& group, int rank) {
    const ScopedStream stream, other;
    std::atomic<bool> gate{false};
    PlanRun run(group, rank, kCase, steps);
    run.update(steps[0]);
    const auto wait_for_gate = [](void* user) {
      while (!static_cast<std::atomic<bool>*>(user)->load()) give_core_away();
    };
    ASSERT_EQ(tuttiLaunchHostFunc(stream, wait_for_gate, &gate), tuttiSuccess);
    run.dispatch(steps[0], stream);

    tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
    EXPECT_EQ(tuttiMoePlanCounts(run.plan(), &counts), tuttiInvalidUsage);
    EXPECT_EQ(tuttiMoePlanUpdate(run.plan(), nullptr, tuttiInt32, 4, 0, 4), tuttiInvalidUsage);
    EXPECT_EQ(tuttiMoePlanDestroy(run.plan()), tuttiInvalidUsage);
    std::array<std::uint16_t, 1> row{};
    tuttiMoeCombineArgs_t args = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    args.rows = row.data();
    args.hidden = 1;
    EXPECT_EQ(tuttiMoeCombine(run.plan(), &args, row.data(), other), tuttiInvalidUsage);
    EXPECT_EQ(tuttiMoeCombine(run.plan(), &args, row.data(), nullptr), tuttiInvalidUsage);

    gate = true;
    stream.synchronize();
    run.check_dispatched(steps[0]);
    run.combine(steps[0]);
    run.check_combined(steps[0]);
  });
}

TEST_P(MoeStreams, TooSmallAnOutputIsTheStreamsErrorAndTheDispatchMayBeRepeated) {
  const Case c{.layout = tuttiMoeLayoutExpert, .topk = 3, .hidden = 8, .ranks = 3, .experts = 3};
  const Step step(c, 0);
  on_ranks(c, [&](GroupScope& group, int rank) {
    const ScopedStream stream;
    const tuttiMoePlan_t plan = group.new_plan();
    const Outgoing& out = step.outgoing(rank);
    MOE_OK(group, tuttiMoePlanUpdate(plan, out.ids.data(), tuttiInt32, 3, out.tokens, 3));
    std::vector<std::byte> tokens(c.row_bytes() * static_cast<std::size_t>(out.tokens));
    const std::size_t rows = step.incoming(rank).rows.size();
    std::vector<std::byte> arrived(c.row_bytes() * rows);
    tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    args.rows = tokens.data();
    args.row_bytes = c.row_bytes();
    args.layout = c.layout;
    for (const bool enough : {false, true}) {
      tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
      output.rows = arrived.data();
      output.capacity_rows = enough || rank != 1 ? rows : rows - 1;
      MOE_OK(group, tuttiMoeDispatch(plan, &args, &output, stream));
      EXPECT_EQ(tuttiStreamSynchronize(stream),
                enough || rank != 1 ? tuttiSuccess : tuttiCapacityExceeded);
      EXPECT_EQ(output.num_rows, rows);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, MoeStreams, testing::ValuesIn(worlds()));

}  // namespace
}  // namespace tutti::test
