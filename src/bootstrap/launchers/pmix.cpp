// Open MPI's mpirun, PRRTE and Slurm's srun --mpi=pmix: everything comes from the PMIx server.
#include <mutex>

#include "base/error.hpp"
#include "bootstrap/deadline.hpp"
#include "bootstrap/launchers/launcher.hpp"
#include "bootstrap/launchers/pmix_session.hpp"
#include "bootstrap/launchers/variables.hpp"
#include "bootstrap/meeting_registry.hpp"
#include "bootstrap/meeting_wire.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace {

constexpr std::string_view kPmixTitle = "PMIx (Open MPI, Slurm)";
constexpr const char* kPmixRank = "PMIX_RANK";
constexpr const char* kPmixNamespace = "PMIX_NAMESPACE";

bool pmix_is_here() { return all_set({kPmixRank, kPmixNamespace}); }

// PMIx's variables do not tell the size; those of the launchers that bring it do.
Claim pmix_claim() {
  constexpr int kMost = static_cast<int>(wire::kMostRanks);
  require_variable(kPmixTitle, kPmixNamespace);
  Claim claim{.rank = require_number(kPmixTitle, kPmixRank, 0, kMost - 1)};
  const char* const size =
      all_set({"OMPI_COMM_WORLD_SIZE"}) ? "OMPI_COMM_WORLD_SIZE" : "SLURM_STEP_NUM_TASKS";
  claim.ranks = number_if_set(size, 1, kMost);
  claim.evidence = quote_variables({kPmixRank, kPmixNamespace, size});
  return claim;
}

World pmix_meet(const Claim&, Nanoseconds timeout) {
  static std::mutex mutex;
  static int worlds = 0;
  const std::scoped_lock lock(mutex);
  const auto deadline = deadline_after(timeout);
  const std::string key = fmt::format("tutti.unique_id.{}", worlds++);
  // Until the process ends: after the last PMIx_Finalize Open MPI's MPI_Init cannot begin again.
  static const pmix::Session session;
  World world{.rank = static_cast<Rank>(session.rank()),
              .ranks = static_cast<int>(session.size(deadline))};
  if (world.rank == 0) {
    world.id = MeetingRegistry::of_process().host();
    session.put(key.c_str(), encode(world.id));
  }
  session.fence(deadline);
  if (world.rank != 0) world.id = decode(session.get(0, key.c_str(), deadline));
  return world;
}

}  // namespace

const Launcher kPmix = {"pmix", kPmixTitle, pmix_is_here, pmix_claim, pmix_meet};

}  // namespace tutti
