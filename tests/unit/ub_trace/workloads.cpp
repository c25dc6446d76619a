#include "tests/unit/ub_trace/workloads.hpp"

#include <numeric>
#include <stdexcept>

namespace tutti::ub::test {

void check(tuttiResult_t code) {
  if (code != tuttiSuccess) throw std::runtime_error(tuttiGetLastError(nullptr));
}

Program all_reduce(std::size_t bytes) {
  return {"all_reduce of " + std::to_string(bytes), [bytes](tuttiComm_t comm, int rank, int) {
            std::vector<float> values(bytes / sizeof(float), static_cast<float>(rank));
            check(tuttiAllReduce(values.data(), values.data(), values.size(), tuttiFloat32,
                                 tuttiSum, comm, nullptr));
          }};
}

Program all_to_all(std::size_t bytes) {
  return {"all_to_all of " + std::to_string(bytes), [bytes](tuttiComm_t comm, int, int ranks) {
            const std::vector<char> from(bytes * static_cast<std::size_t>(ranks), 'x');
            std::vector<char> to(from.size());
            check(tuttiAlltoAll(from.data(), to.data(), bytes, tuttiInt8, comm, nullptr));
          }};
}

Program all_gather_on_a_stream(std::size_t bytes) {
  return {"all_gather on a stream", [bytes](tuttiComm_t comm, int, int ranks) {
            const std::vector<char> from(bytes, 'x');
            std::vector<char> to(bytes * static_cast<std::size_t>(ranks));
            tuttiStream_t stream = nullptr;
            check(tuttiStreamCreate(&stream));
            check(tuttiAllGather(from.data(), to.data(), bytes, tuttiInt8, comm, stream));
            check(tuttiStreamSynchronize(stream));
            check(tuttiStreamDestroy(stream));
          }};
}

Program barrier() {
  return {"barrier", [](tuttiComm_t comm, int, int) { check(tuttiBarrier(comm, nullptr)); }};
}

Program moe_step(int tokens, std::size_t row_bytes) {
  return {"moe", [tokens, row_bytes](tuttiComm_t comm, int rank, int ranks) {
            constexpr int kTopK = 4;
            tuttiMoeGroup_t group = nullptr;
            tuttiMoePlan_t plan = nullptr;
            tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
            config.num_experts = ranks;
            config.max_tokens_per_rank = tokens;
            config.max_topk = kTopK;
            config.max_row_bytes = row_bytes;
            check(tuttiMoeGroupCreate(comm, &config, &group));
            check(tuttiMoePlanCreate(group, &plan));
            void* rows = nullptr;
            check(tuttiMoeBuffer(group, static_cast<std::size_t>(tokens) * row_bytes, &rows));
            std::vector<std::int32_t> experts;
            for (int token = 0; token < tokens; ++token) {
              for (int k = 0; k < kTopK; ++k) {
                experts.push_back((rank + token * 5 + k * (token % 3 + 1)) % ranks);
              }
            }
            check(tuttiMoePlanUpdate(plan, experts.data(), tuttiInt32, kTopK, tokens, kTopK));
            tuttiMoeDispatchArgs_t dispatch = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
            dispatch.rows = rows;
            dispatch.row_bytes = row_bytes;
            tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
            check(tuttiMoeDispatch(plan, &dispatch, &output, nullptr));
            tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
            combine.rows = output.rows;
            combine.hidden = row_bytes / 2;
            combine.reduction = tuttiMoeRankOrder;
            std::vector<std::byte> sums(static_cast<std::size_t>(tokens) * row_bytes);
            check(tuttiMoeCombine(plan, &combine, sums.data(), nullptr));
            check(tuttiBarrier(comm, nullptr));
            check(tuttiMoePlanDestroy(plan));
            check(tuttiMoeGroupDestroy(group));
          }};
}

Outcome run(const Program& program, const Conditions& conditions, int rounds) {
  SimulationOptions options{.profile = load_profile(conditions.fabric, conditions.settings)};
  options.placement.ranks = conditions.ranks;
  options.fabric.level = conditions.level;
  options.record_bytes = conditions.record_bytes;
  Outcome outcome{.simulation = std::make_unique<Simulation>(std::move(options)), .report = {}};
  Simulation& simulation = *outcome.simulation;
  const tuttiUniqueId id = simulation.meetings().host();
  Picoseconds together{};
  int there = 0;
  const auto body = [&](int rank, tuttiComm_t comm) {
    program.operation(comm, rank, conditions.ranks);
    for (int round = 0; round < rounds; ++round) {
      check(tuttiBarrier(comm, nullptr));
      if (there++ % conditions.ranks == 0) {
        together = simulation.scheduler().now() + std::chrono::milliseconds(1);
      }
      simulation.scheduler().advance(together - simulation.scheduler().now());
      simulation.begin_mark("op");
      program.operation(comm, rank, conditions.ranks);
      simulation.end_mark();
    }
  };
  outcome.report = simulation.run([&](int rank) {
    tuttiComm_t comm = nullptr;
    check(tuttiCommInitRank(&comm, conditions.ranks, id, rank));
    try {
      body(rank, comm);
    } catch (const std::runtime_error& error) {
      const std::string why = std::string(error.what()) + tuttiGetLastError(comm);
      tuttiCommAbort(comm);
      throw std::runtime_error(why);
    }
    check(tuttiCommDestroy(comm));
  });
  return outcome;
}

}  // namespace tutti::ub::test
