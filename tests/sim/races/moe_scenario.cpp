#include "tests/sim/races/moe_scenario.hpp"

#include <fmt/format.h>
#include <tutti/moe.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace tutti::test {
namespace {

constexpr int kSteps = 7;
constexpr int kExperts = 8;
constexpr int kLanes = 2;
constexpr int kTokens = 24;  // enough for more entries than a line takes
constexpr std::size_t kHidden = 24;

void must_moe(tuttiResult_t result, tuttiMoeGroup_t group) {
  if (result != tuttiSuccess) {
    throw std::runtime_error(
        fmt::format("{}: {}", static_cast<int>(result), tuttiMoeGetLastError(group)));
  }
}

struct DestroyGroup {
  void operator()(tuttiMoeGroup_t group) const { tuttiMoeGroupDestroy(group); }
};
struct DestroyPlan {
  void operator()(tuttiMoePlan_t plan) const { tuttiMoePlanDestroy(plan); }
};

int expert_of(int rank, int step, int token, int lane) {
  return (rank * 3 + token * 5 + step * (token % 3) + lane * (1 + token % 4)) % kExperts;
}

float element(int rank, int step, int token, std::size_t i) {
  return static_cast<float>(rank * 64 + step * 8 + token) + static_cast<float>(i) * 0.125F;
}

}  // namespace

RaceBody moe_steps(const MoeShape& shape) {
  return [shape](RankOfRun& self) {
    tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
    config.num_experts = kExperts;
    config.max_tokens_per_rank = kTokens;
    config.max_topk = kLanes;
    config.max_row_bytes = kHidden * sizeof(float);
    tuttiMoeGroup_t made = nullptr;
    must(tuttiMoeGroupCreate(self.comm, &config, &made), self.comm);
    const std::unique_ptr<std::remove_pointer_t<tuttiMoeGroup_t>, DestroyGroup> group(made);
    tuttiMoePlan_t made_plan = nullptr;
    must_moe(tuttiMoePlanCreate(group.get(), &made_plan), group.get());
    const std::unique_ptr<std::remove_pointer_t<tuttiMoePlan_t>, DestroyPlan> plan(made_plan);

    const auto floats = [&](std::size_t rows) {
      return reinterpret_cast<float*>(
          self.memory.take(rows * kHidden * sizeof(float), !shape.staged));
    };
    float* const in = floats(kTokens);
    float* const out = floats(kTokens);
    float* const results = floats(static_cast<std::size_t>(self.ranks) * kTokens * kLanes);
    for (int step = 0; step < kSteps; ++step) {
      // Fewer tokens in some steps: then what is told fits a line.
      const int tokens = step % 3 == 2 ? 3 : kTokens;
      std::vector<std::int32_t> ids;
      for (int token = 0; token < tokens; ++token) {
        for (int lane = 0; lane < kLanes; ++lane) {
          ids.push_back(expert_of(self.rank, step, token, lane));
        }
        for (std::size_t i = 0; i < kHidden; ++i) {
          in[static_cast<std::size_t>(token) * kHidden + i] = element(self.rank, step, token, i);
        }
      }
      const auto update = [&] {
        must_moe(tuttiMoePlanUpdate(plan.get(), ids.data(), tuttiInt32, kLanes, tokens, kLanes),
                 group.get());
      };
      update();
      if (step % 3 == 1) {
        // Its table is read, and then written again by the next update but one.
        tuttiMoeCounts_t counts = TUTTI_MOE_COUNTS_INITIALIZER;
        must_moe(tuttiMoePlanCounts(plan.get(), &counts), group.get());
        update();
        update();
      }
      tuttiMoeDispatchArgs_t args = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
      args.rows = in;
      args.row_bytes = kHidden * sizeof(float);
      args.layout = shape.token ? tuttiMoeLayoutToken : tuttiMoeLayoutExpert;
      tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
      must_moe(tuttiMoeDispatch(plan.get(), &args, &output, nullptr), group.get());

      if (step % 3 == 1) continue;  // one dispatch after the other

      const auto* rows = static_cast<const float*>(output.rows);
      if (shape.staged) {
        std::copy_n(rows, output.num_rows * kHidden, results);
        rows = results;
      }
      tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
      combine.rows = rows;
      combine.hidden = kHidden;
      combine.type = tuttiFloat32;
      combine.reduction = shape.token ? tuttiMoeRankOrder : tuttiMoeSourceOnly;
      must_moe(tuttiMoeCombine(plan.get(), &combine, out, nullptr), group.get());
      const int per_rank = kExperts / self.ranks;
      for (int token = 0; token < tokens; ++token) {
        std::set<int> visited;
        for (int lane = 0; lane < kLanes; ++lane) {
          visited.insert(expert_of(self.rank, step, token, lane) / per_rank);
        }
        const auto times =
            static_cast<float>(shape.token ? static_cast<int>(visited.size()) : kLanes);
        for (std::size_t i = 0; i < kHidden; ++i) {
          if (out[static_cast<std::size_t>(token) * kHidden + i] !=
              times * element(self.rank, step, token, i)) {
            throw std::runtime_error(fmt::format("wrong sum of token {} in step {}", token, step));
          }
        }
      }
    }
  };
}

}  // namespace tutti::test
