// Reads and checks tutti-run's variables.
#include "bootstrap/launchers/launch_environment.hpp"

#include <string>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "bootstrap/launchers/launcher.hpp"
#include "bootstrap/launchers/variables.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace {

constexpr std::string_view kTuttiRunTitle = "tutti-run";

// TUTTI_WORLD_SIZE alone is Kubernetes', and TUTTI_RANK beside a rank table says who of it this is.
bool tutti_run_is_here() {
  return all_set({LaunchEnvironment::kUniqueId}) ||
         (all_set({LaunchEnvironment::kRank}) && !all_set({"TUTTI_RANK_TABLE"}));
}

// Where tutti-run started this process it says so by TUTTI_BOOTSTRAP. Variables that somebody set
// by hand have to agree with those of other launchers.
Claim tutti_run_claim() {
  const LaunchEnvironment world = read_launch_environment();
  return {.rank = world.rank,
          .ranks = world.ranks,
          .evidence = quote_variables({LaunchEnvironment::kRank, LaunchEnvironment::kWorldSize})};
}

World tutti_run_meet(const Claim&, Nanoseconds) {
  const LaunchEnvironment world = read_launch_environment();
  return {.rank = world.rank, .ranks = world.ranks, .id = world.id};
}

}  // namespace

LaunchEnvironment read_launch_environment() {
  LaunchEnvironment world;
  const auto [rank, ranks] =
      require_rank(kTuttiRunTitle, LaunchEnvironment::kRank, LaunchEnvironment::kWorldSize);
  world.rank = rank;
  world.ranks = ranks;
  const std::string id = require_variable(kTuttiRunTitle, LaunchEnvironment::kUniqueId);
  try {
    world.id = decode(id);
  } catch (const Error& error) {
    fail(tuttiInvalidUsage, "{}: {}", LaunchEnvironment::kUniqueId, error.what());
  }
  return world;
}

const Launcher kTuttiRun = {LaunchEnvironment::kBootstrapValue, kTuttiRunTitle, tutti_run_is_here,
                            tutti_run_claim, tutti_run_meet};

}  // namespace tutti
