// Ranks that do not agree, outputs that are too small, ranks that are late: every rank concerned
// learns it, and nobody's output is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "plan_run.hpp"

namespace tutti::test {
namespace {

using testing::HasSubstr;

constexpr int kRanks = 3, kTopK = 3;
constexpr std::size_t kRowBytes = 32;

tuttiMoeConfig_t small_config() {
  tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
  config.num_experts = kRanks;
  config.max_tokens_per_rank = 4;
  config.max_topk = kTopK;
  config.max_row_bytes = kRowBytes;
  config.max_side_bytes = 8;
  config.timeout_ms = 20000;
  return config;
}

// One token on each rank that visits every rank; outputs of the caller, to see whether they are
// written.
struct Rank {
  Rank(tuttiComm_t c, const tuttiMoeConfig_t& config) : comm(c), group(c, config) {
    if (group.result() == tuttiSuccess) plan = group.new_plan();
    args.rows = row.data();
    args.row_bytes = kRowBytes;
    args.side = row.data();
    args.side_bytes = 4;
    args.layout = tuttiMoeLayoutExpert;
    output.rows = rows.data();
    output.side = sides.data();
    output.weights = weights.data();
    output.capacity_rows = kRanks;
  }

  tuttiResult_t update(int k = kTopK) {
    const std::int32_t ids[] = {0, 1, 2};
    return tuttiMoePlanUpdate(plan, ids, tuttiInt32, kTopK, 1, k);
  }
  tuttiResult_t dispatch() { return tuttiMoeDispatch(plan, &args, &output, nullptr); }
  std::string error() const { return group.last_error(); }
  bool untouched() const {
    return std::all_of(rows.begin(), rows.end(), [](char c) { return c == 'x'; }) &&
           std::all_of(sides.begin(), sides.end(), [](char c) { return c == 'x'; }) &&
           std::all_of(weights.begin(), weights.end(), [](float w) { return w == -7; });
  }

  tuttiComm_t comm;
  GroupScope group;
  tuttiMoePlan_t plan = nullptr;
  std::string row = std::string(kRowBytes, 'r');
  std::string rows = std::string(kRanks * kRowBytes, 'x'), sides = std::string(kRanks * 8, 'x');
  std::vector<float> weights = std::vector<float>(kRanks, -7);
  tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
};

void on_ranks(const std::function<void(Rank&, int)>& body) {
  const ThreadWorld world(kRanks);
  world.run([&](int rank, tuttiComm_t comm) {
    Rank of_rank(comm, small_config());
    ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", of_rank.group.result(), tuttiGetLastError(comm)));
    body(of_rank, rank);
  });
}

// Rank 1 differs in one argument of dispatch, which is named.
void expect_mismatch(const std::string& argument,
                     const std::function<void(tuttiMoeDispatchArgs_t&)>& change) {
  on_ranks([&](Rank& r, int rank) {
    if (rank == 1) change(r.args);
    ASSERT_EQ(r.update(), tuttiSuccess) << r.error();
    EXPECT_EQ(r.dispatch(), tuttiMismatch) << r.error();
    EXPECT_TRUE(r.untouched());
    EXPECT_THAT(r.error(), HasSubstr(rank == 1 ? "rank" : "1"));
    EXPECT_THAT(r.error(), HasSubstr("differ in " + argument));
    EXPECT_NE(r.dispatch(), tuttiSuccess) << "the group goes on after a disagreement";
    COMM_OK(r.comm, tuttiBarrier(r.comm, nullptr));  // the communicator does not suffer
  });
}

TEST(MoeDisagreement, RowBytes) {
  expect_mismatch("row_bytes", [](auto& args) { args.row_bytes = kRowBytes - 2; });
}
TEST(MoeDisagreement, SideBytes) {
  expect_mismatch("side_bytes", [](auto& args) { args.side_bytes = 8; });
}
TEST(MoeDisagreement, Layout) {
  expect_mismatch("layout", [](auto& args) { args.layout = tuttiMoeLayoutToken; });
}
TEST(MoeDisagreement, Align) {
  expect_mismatch("align", [](auto& args) { args.align = 8; });
}
TEST(MoeDisagreement, Flags) {
  expect_mismatch("flags", [](auto& args) { args.flags = TUTTI_MOE_ZERO_PADDING; });
}

TEST(MoeDisagreement, TopK) {
  on_ranks([](Rank& r, int rank) {
    ASSERT_EQ(r.update(rank == 1 ? 2 : 3), tuttiSuccess) << r.error();
    EXPECT_EQ(r.dispatch(), tuttiMismatch) << r.error();
    EXPECT_THAT(r.error(), HasSubstr("differ in k;"));
    EXPECT_TRUE(r.untouched());
  });
}

TEST(MoeDisagreement, CombineHiddenOrType) {
  on_ranks([](Rank& r, int rank) {
    ASSERT_EQ(r.update(), tuttiSuccess);
    ASSERT_EQ(r.dispatch(), tuttiSuccess) << r.error();
    tuttiMoeCombineArgs_t args = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    args.rows = r.rows.data();
    args.hidden = rank == 2 ? 3 : 4;
    std::vector<std::uint16_t> out(4, 0x7777);
    EXPECT_EQ(tuttiMoeCombine(r.plan, &args, out.data(), nullptr), tuttiMismatch) << r.error();
    EXPECT_THAT(r.error(), HasSubstr("differ in hidden;"));
    EXPECT_EQ(out, std::vector<std::uint16_t>(4, 0x7777));
  });
}

TEST(MoeDisagreement, GroupSizesAreComparedWhenItIsMade) {
  const ThreadWorld world(kRanks);
  world.run([](int rank, tuttiComm_t comm) {
    tuttiMoeConfig_t config = small_config();
    if (rank == 2) config.max_topk = 2;
    GroupScope group(comm, config);
    EXPECT_EQ(group.result(), tuttiMismatch) << tuttiGetLastError(comm);
    EXPECT_THAT(tuttiGetLastError(comm), HasSubstr("max_topk"));
  });
}

TEST(MoeCapacity, TooSmallAnOutputIsNotWrittenAndTheDispatchMayBeRepeated) {
  on_ranks([](Rank& r, int rank) {
    ASSERT_EQ(r.update(), tuttiSuccess);
    if (rank == 1) {
      r.output.capacity_rows = kRanks - 1;
      EXPECT_EQ(r.dispatch(), tuttiCapacityExceeded) << r.error();
      EXPECT_EQ(r.output.num_rows, static_cast<std::size_t>(kRanks));
      EXPECT_TRUE(r.untouched());
      r.output.capacity_rows = kRanks;
    } else {
      EXPECT_EQ(r.dispatch(), tuttiSuccess) << r.error();
    }
    ASSERT_EQ(r.dispatch(), tuttiSuccess) << r.error();
    EXPECT_EQ(r.output.num_rows, static_cast<std::size_t>(kRanks));
    EXPECT_EQ(r.rows, std::string(kRanks * kRowBytes, 'r'));
  });
}

TEST(MoeDeadline, ARankThatNeverUpdatesItsPlanIsNamed) {
  const ThreadWorld world(kRanks);
  world.run([](int rank, tuttiComm_t comm) {
    tuttiMoeConfig_t config = small_config();
    config.timeout_ms = 300;
    Rank r(comm, config);
    ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", r.group.result(), tuttiGetLastError(comm)));
    if (rank != 1) {
      ASSERT_EQ(r.update(), tuttiSuccess);
      const tuttiResult_t result = r.dispatch();
      // Whoever gives up second may hear of the first one's failure instead.
      EXPECT_TRUE(result == tuttiTimeout || result == tuttiRemoteError) << result;
      EXPECT_THAT(r.error(), HasSubstr("rank 1"));
      EXPECT_TRUE(r.untouched());
    }
    COMM_OK(comm, tuttiBarrier(comm, nullptr));
  });
}

}  // namespace
}  // namespace tutti::test
