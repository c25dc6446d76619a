// Wrong arguments: a code and a sentence, before anything is sent, after which the group still
// works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "plan_run.hpp"

namespace tutti::test {
namespace {

using testing::HasSubstr;

constexpr int kTopK = 2, kTokens = 4;
constexpr std::size_t kRowBytes = 16;

tuttiMoeConfig_t small_config() {
  tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
  config.num_experts = 6;
  config.max_tokens_per_rank = kTokens;
  config.max_topk = kTopK;
  config.max_row_bytes = kRowBytes;
  config.max_side_bytes = 8;
  return config;
}

// A plan on two ranks; each rank has one token that visits experts 0 and 3, one on each rank.
struct Rank {
  explicit Rank(tuttiComm_t comm) : group(comm, small_config()), plan(group.new_plan()) {
    dispatch.rows = row.data();
    dispatch.row_bytes = kRowBytes;
    combine.hidden = kRowBytes / 2;
    combine.reduction = tuttiMoeRankOrder;
  }

  tuttiResult_t update(std::initializer_list<std::int32_t> ids, int k = kTopK) {
    const int n = static_cast<int>(ids.size()) / std::max(k, 1);
    return tuttiMoePlanUpdate(plan, std::data(ids), tuttiInt32,
                              static_cast<std::size_t>(std::max(k, 0)), n, k);
  }
  std::string error() const { return group.last_error(); }

  // A whole good step, so that a test may show that the group still works.
  void good_step() {
    MOE_OK(group, update({0, 3}));
    tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
    args.rows = row.data();
    args.row_bytes = kRowBytes;
    tuttiMoeOutput_t arrived = TUTTI_MOE_OUTPUT_INITIALIZER;
    MOE_OK(group, tuttiMoeDispatch(plan, &args, &arrived, nullptr));
    EXPECT_EQ(arrived.num_rows, 2u);
    tuttiMoeCombineArgs_t sums = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
    sums.rows = arrived.rows;
    sums.hidden = kRowBytes / 2;
    sums.reduction = tuttiMoeRankOrder;
    MOE_OK(group, tuttiMoeCombine(plan, &sums, out.data(), nullptr));
  }

  GroupScope group;
  tuttiMoePlan_t plan;
  std::array<std::uint16_t, kTokens * kRowBytes / 2> row{}, out{};
  tuttiMoeDispatchArgs_t dispatch = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
  tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
  tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
};

void on_two_ranks(const std::function<void(Rank&)>& body) {
  const ThreadWorld world(2);
  world.run([&](int, tuttiComm_t comm) {
    Rank rank(comm);
    ASSERT_TRUE(succeeded("tuttiMoeGroupCreate", rank.group.result(), tuttiGetLastError(comm)));
    body(rank);
  });
}

TEST(MoeMisuse, BadExpertIdsNameTokenAndLaneAndSendNothing) {
  on_two_ranks([](Rank& rank) {
    EXPECT_EQ(rank.update({0, 1, 2, 6}), tuttiInvalidArgument);
    EXPECT_THAT(rank.error(), HasSubstr("token 1, lane 1"));
    EXPECT_THAT(rank.error(), HasSubstr("6"));
    EXPECT_EQ(rank.update({-2, 1}), tuttiInvalidArgument);
    EXPECT_THAT(rank.error(), HasSubstr("token 0, lane 0"));
    EXPECT_EQ(rank.update({0, 1, 4, 4}), tuttiInvalidArgument);
    EXPECT_THAT(rank.error(), HasSubstr("token 1 names expert 4 twice"));
    rank.good_step();
  });
}

TEST(MoeMisuse, TooManyTokensOrLanesSayWhatTheGroupWasMadeFor) {
  on_two_ranks([](Rank& rank) {
    EXPECT_EQ(rank.update({0, 1, 2}, 3), tuttiInvalidArgument);
    EXPECT_THAT(rank.error(), HasSubstr("k is 3"));
    EXPECT_EQ(rank.update({0, 1, 2, 3, 4, 5, 0, 1, 2, 3}), tuttiInvalidArgument);
    EXPECT_THAT(rank.error(), HasSubstr("n is 5"));
    EXPECT_EQ(tuttiMoePlanUpdate(rank.plan, nullptr, tuttiInt32, kTopK, 1, kTopK),
              tuttiInvalidArgument);
    EXPECT_EQ(tuttiMoePlanUpdate(rank.plan, rank.row.data(), tuttiFloat32, kTopK, 1, kTopK),
              tuttiInvalidArgument);
    EXPECT_EQ(tuttiMoePlanUpdate(rank.plan, rank.row.data(), tuttiInt32, kTopK - 1, 1, kTopK),
              tuttiInvalidArgument);
    rank.good_step();
  });
}

TEST(MoeMisuse, DispatchRefusesWrongArguments) {
  on_two_ranks([](Rank& rank) {
    ASSERT_EQ(rank.update({0, 3}), tuttiSuccess);
    const auto refused = [&](auto change) {
      tuttiMoeDispatchArgs_t args = rank.dispatch;
      change(args);
      return tuttiMoeDispatch(rank.plan, &args, &rank.output, nullptr);
    };
    EXPECT_EQ(refused([](auto& a) { a.rows = nullptr; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.row_bytes = 0; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.row_bytes = kRowBytes + 1; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.row_stride = kRowBytes - 1; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.side_bytes = 9; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.side_bytes = 8; }), tuttiInvalidArgument);  // side is NULL
    EXPECT_EQ(refused([](auto& a) { a.align = -1; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.flags = 1u << 30; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.size = 1; }), tuttiInvalidArgument);
    EXPECT_EQ(tuttiMoeDispatch(rank.plan, nullptr, &rank.output, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiMoeDispatch(rank.plan, &rank.dispatch, nullptr, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiMoeDispatch(nullptr, &rank.dispatch, &rank.output, nullptr),
              tuttiInvalidArgument);
    rank.good_step();
  });
}

TEST(MoeMisuse, CombineRefusesWrongArguments) {
  on_two_ranks([](Rank& rank) {
    ASSERT_EQ(rank.update({0, 3}), tuttiSuccess);
    MOE_OK(rank.group, tuttiMoeDispatch(rank.plan, &rank.dispatch, &rank.output, nullptr));
    rank.combine.rows = rank.output.rows;
    const auto refused = [&](auto change) {
      tuttiMoeCombineArgs_t args = rank.combine;
      change(args);
      return tuttiMoeCombine(rank.plan, &args, rank.out.data(), nullptr);
    };
    EXPECT_EQ(refused([](auto& a) { a.rows = nullptr; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.type = tuttiInt32; }), tuttiInvalidUsage);
    EXPECT_EQ(refused([](auto& a) { a.hidden = 0; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.row_stride = 2; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.num_biases = 1; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.num_biases = -1; }), tuttiInvalidArgument);
    EXPECT_EQ(refused([](auto& a) { a.size = 1; }), tuttiInvalidArgument);
    // SOURCE_ONLY needs a row per lane, which TOKEN does not have.
    EXPECT_EQ(refused([](auto& a) { a.reduction = tuttiMoeSourceOnly; }), tuttiInvalidUsage);
    EXPECT_EQ(tuttiMoeCombine(rank.plan, &rank.combine, nullptr, nullptr), tuttiInvalidArgument);
    MOE_OK(rank.group, tuttiMoeCombine(rank.plan, &rank.combine, rank.out.data(), nullptr));
  });
}

TEST(MoeMisuse, OperationsOutOfOrderAreInvalidUsage) {
  on_two_ranks([](Rank& rank) {
    EXPECT_EQ(tuttiMoeDispatch(rank.plan, &rank.dispatch, &rank.output, nullptr),
              tuttiInvalidUsage);
    tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
    EXPECT_EQ(tuttiMoePlanCounts(rank.plan, &counts), tuttiInvalidUsage);
    ASSERT_EQ(rank.update({0, 3}), tuttiSuccess);
    rank.combine.rows = rank.row.data();
    EXPECT_EQ(tuttiMoeCombine(rank.plan, &rank.combine, rank.out.data(), nullptr),
              tuttiInvalidUsage);
    EXPECT_EQ(tuttiMoeGroupDestroy(rank.group), tuttiInvalidUsage);  // it has a plan
    rank.good_step();
  });
}

TEST(MoeMisuse, GroupsThatCannotBeNameTheField) {
  const auto complaint = [](auto change) {
    tuttiMoeConfig_t config = small_config();
    change(config);
    tuttiMoeMemory_t memory;
    EXPECT_EQ(tuttiMoeQueryMemory(&config, 2, &memory), tuttiInvalidArgument);
    return std::string(tuttiGetLastError(nullptr));
  };
  EXPECT_THAT(complaint([](auto& c) { c.num_experts = 0; }), HasSubstr("num_experts"));
  EXPECT_THAT(complaint([](auto& c) { c.max_topk = 65; }), HasSubstr("max_topk"));
  EXPECT_THAT(complaint([](auto& c) { c.max_topk = 0; }), HasSubstr("max_topk"));
  EXPECT_THAT(complaint([](auto& c) { c.max_tokens_per_rank = -1; }),
              HasSubstr("max_tokens_per_rank"));
  EXPECT_THAT(complaint([](auto& c) { c.max_row_bytes = 0; }), HasSubstr("max_row_bytes"));
  EXPECT_THAT(complaint([](auto& c) { c.max_inflight = 0; }), HasSubstr("max_inflight"));
  EXPECT_THAT(complaint([](auto& c) { c.flags = 4; }), HasSubstr("flags"));
  EXPECT_THAT(complaint([](auto& c) { c.size = 3; }), HasSubstr("size"));
  const int owners[] = {0, 1, 2, 0, 1, 0};
  EXPECT_THAT(complaint([&](auto& c) { c.expert_to_rank = owners; }),
              HasSubstr("expert_to_rank[2]"));
}

TEST(MoeMisuse, MemoryIsKnownBeforeAnythingIsMade) {
  tuttiMoeConfig_t config = small_config();
  config.max_tokens_per_rank = 128;
  config.max_topk = 8;
  config.num_experts = 64;
  config.max_row_bytes = 14336;
  tuttiMoeMemory_t memory;
  ASSERT_EQ(tuttiMoeQueryMemory(&config, 8, &memory), tuttiSuccess) << tuttiGetLastError(nullptr);
  EXPECT_GT(memory.plan_bytes, 0u);
  EXPECT_GE(memory.output_bytes, 8u * 128 * 8 * 14336);  // EXPERT: all tokens with all their lanes
}

}  // namespace
}  // namespace tutti::test
