// A Mixture-of-Experts language model, served by several ranks. engine/exchange.cpp shows how Tutti
// is used, engine/transformer.cpp what runs beside it; this file starts ranks.
#include <tutti/sim.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <tutti/tutti.hpp>

#include "../common/local_ranks.hpp"
#include "run.hpp"

namespace moe_engine {
namespace {

struct Run {
  Options options;
  Model model;
  Workload work;

  int operator()(tutti::Communicator comm) const {
    const bool good = run_rank(options, model, work, comm);
    comm.finalize();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  }
};

struct Simulation {
  const Run& run;
  int exit_code = EXIT_SUCCESS;  // ranks are fibres of one thread
};

// A rank of a simulation. What went wrong is printed here; its code ends the run.
tuttiResult_t simulated_rank(int rank, int ranks, const tuttiUniqueId* id, void* user) {
  auto& simulation = *static_cast<Simulation*>(user);
  try {
    const int code = simulation.run(tutti::Communicator::join(*id, rank, ranks));
    simulation.exit_code = std::max(simulation.exit_code, code);
    return tuttiSuccess;
  } catch (const tutti::Error& error) {
    std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
    return error.code();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
    return tuttiSystemError;
  }
}

int simulate(const Run& run) {
  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  config.fabric = run.options.fabric.c_str();
  Simulation simulation{run};
  const tuttiResult_t code =
      tuttiSimRun(&config, run.options.ranks, simulated_rank, &simulation, nullptr);
  if (code != tuttiSuccess) throw tutti::Error(code, tuttiGetLastError(nullptr));
  return simulation.exit_code;
}

void check_ranks(int ranks, const Model& model) {
  const std::size_t experts = model.config().experts;
  if (static_cast<std::size_t>(ranks) <= experts) return;
  throw UsageError(std::to_string(ranks) + " ranks: the model has only " + std::to_string(experts) +
                   " experts to share among them");
}

int join_launcher(const Run& run) {
  if (!run.options.fabric.empty() || run.options.threads) {
    throw UsageError("--fabric and --threads start ranks, which a launcher has done already");
  }
  auto comm = tutti::Communicator::world();
  if (run.options.ranks_given && run.options.ranks != comm.size()) {
    throw UsageError("--ranks " + std::to_string(run.options.ranks) + ": the launcher started " +
                     std::to_string(comm.size()));
  }
  check_ranks(comm.size(), run.model);
  return run(std::move(comm));
}

int start(const Run& run) {
  if (example::launched()) return join_launcher(run);
  check_ranks(run.options.ranks, run.model);
  if (!run.options.fabric.empty()) return simulate(run);
  const auto body = [&](int rank, const tuttiUniqueId& id) {
    return run(tutti::Communicator::join(id, rank, run.options.ranks));
  };
  return run.options.threads ? example::run_thread_ranks(run.options.ranks, body)
                             : example::run_process_ranks(run.options.ranks, body);
}

Run prepare(Options options) {
  Model model(options.model);
  Workload work = make_workload(options, model.config());
  return {std::move(options), std::move(model), std::move(work)};
}

}  // namespace
}  // namespace moe_engine

int main(int argc, char** argv) {
  try {
    const auto run = moe_engine::prepare(moe_engine::parse(argc, argv));
    return moe_engine::start(run);
  } catch (const moe_engine::UsageError& error) {
    std::fprintf(stderr, "moe_engine: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "moe_engine: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
