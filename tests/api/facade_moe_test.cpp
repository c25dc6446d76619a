// The C++ facade: token dispatch and combine.
#include "facade.hpp"

namespace tutti_test {
namespace {

TEST(Facade, TokensGoToTheirExpertsAndBack) {
  on_ranks(2, [](Communicator& comm) {
    tuttiMoeConfig_t config = tutti::moe_config();
    config.num_experts = 4;
    config.max_tokens_per_rank = 2;
    config.max_topk = 2;
    config.max_row_bytes = 8 * sizeof(float);
    EXPECT_GT(tutti::query_memory(config, 2).control_bytes, 0u);

    tutti::MoeGroup group(comm, config);
    EXPECT_EQ(group.local_experts().size(), 2u);
    EXPECT_GE(group.recv_bound(tuttiMoeLayoutExpert), 8u);
    auto rows = group.buffer<float>(16);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = static_cast<float>(100 * comm.rank()) + static_cast<float>(i);
    }
    const std::array<std::int32_t, 4> topk{0, 3, 2, 1};
    const std::array<float, 4> weights{0.5f, 0.5f, 0.25f, 0.75f};
    {
      tutti::MoePlan plan(group);
      plan.update(topk, 2);
      const tutti::MoeCounts counts = plan.counts(tuttiMoeLayoutExpert);
      EXPECT_EQ(counts.num_rows, 4u);
      EXPECT_EQ(counts.expert_offsets.back(), 4);
      EXPECT_EQ(counts.source_counts, (std::vector<std::int64_t>{2, 2}));

      const tuttiMoeOutput_t output = plan.dispatch(rows, 8, weights, tuttiMoeLayoutExpert);
      EXPECT_EQ(output.num_rows, 4u);
      Values out(rows.size(), -1.0f);
      plan.combine(std::span(static_cast<const float*>(output.rows), output.num_rows * 8), 8, out,
                   tuttiMoeSourceOnly);
      EXPECT_EQ(out, Values(rows.begin(), rows.end()));  // the weights of a token add up to 1

      EXPECT_EQ(code_of([&] { group.destroy(); }), tuttiInvalidUsage);
      EXPECT_STRNE(group.last_error(), "");
    }
    comm.barrier();
    group.destroy();
  });
}

}  // namespace
}  // namespace tutti_test
