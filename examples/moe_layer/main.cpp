// A DeepSeek-R1-shaped MoE layer on several ranks: dispatch, expert products, combine, verified.
// layer.cpp is the part that shows how Tutti is used; this file starts ranks and gathers results.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <tutti/tutti.hpp>
#include <vector>

#include "../common/gather.hpp"
#include "../common/local_ranks.hpp"
#include "config.hpp"
#include "layer.hpp"
#include "reference.hpp"
#include "report.hpp"
#include "tokens.hpp"

namespace moe_layer {
namespace {

bool run(const Config& config, tutti::Communicator& comm) {
  const int rank = comm.rank();
  const TokenSource source(config);
  std::vector<Batch> batches(static_cast<std::size_t>(config.steps) + 1);
  std::vector<std::vector<Bf16>> outs(batches.size());
  for (std::size_t s = 0; s < batches.size(); ++s) {
    source.fill(static_cast<int>(s), rank, batches[s]);
    outs[s].resize(batches[s].vectors.size());
  }

  Results results;
  results.words = source.words();
  results.loads.resize(static_cast<std::size_t>(config.experts));
  results.owners.resize(results.loads.size());
  std::vector<StepReport> reports;
  {
    Layer layer(config, comm);
    for (std::size_t s = 0; s < batches.size(); ++s) {
      const StepReport report = layer.step(batches[s], outs[s].data());
      if (s > 0) reports.push_back(report);
    }
    for (std::size_t e = 0; e < layer.loads().size(); ++e) {
      const auto expert = static_cast<std::size_t>(layer.expert_ids()[e]);
      results.loads[expert] = layer.loads()[e];
      results.owners[expert] = rank;
    }
  }
  comm.all_reduce(results.loads, results.loads);
  comm.all_reduce(results.owners, results.owners);

  const std::vector<Difference> mine = {compare(config, results.owners, batches, outs)};
  results.differences = example::gather(comm, mine);
  const std::vector<StepReport> all = example::gather(comm, reports);
  for (auto first = all.begin(); first != all.end(); first += config.steps) {
    results.steps.emplace_back(first, first + config.steps);
  }
  return rank == 0 ? print(config, results) : mine[0].differ == 0;
}

}  // namespace
}  // namespace moe_layer

int main(int argc, char** argv) {
  using namespace moe_layer;
  try {
    Config config = parse(argc, argv);
    const auto finish = [&config](tutti::Communicator comm) {
      const bool good = run(config, comm);
      comm.finalize();
      return good ? EXIT_SUCCESS : EXIT_FAILURE;
    };
    if (!example::launched()) {
      return example::run_process_ranks(config.ranks, [&](int rank, const tuttiUniqueId& id) {
        return finish(tutti::Communicator::join(id, rank, config.ranks));
      });
    }
    auto comm = tutti::Communicator::world();
    config.ranks = comm.size();
    return finish(std::move(comm));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "moe_layer: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
