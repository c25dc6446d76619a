// peer-openmpi and peer-mpich: started by mpirun, one process per rank.
#include <mpi.h>

#include "perf/common/stopwatch.hpp"
#include "perf/peers/mpi_peer.hpp"
#include "perf/peers/program.hpp"
#include "perf/peers/sampling.hpp"

int main(int argc, char** argv) {
  const double start_us = tutti::perf::now_us();
  MPI_Init(&argc, &argv);
  int code = 0;
  {
    tutti::perf::MpiPeer peer;
    peer.barrier();
    const double startup_ms = (tutti::perf::now_us() - start_us) / 1e3;
    int rank_code = 1;
    const auto options = tutti::perf::parse_options(argc, argv, peer.rank() != 0, rank_code);
    code = options ? tutti::perf::run_program(peer, *options, startup_ms) : rank_code;
  }
  // Ranks that failed alone must not leave the others in a collective for ever.
  if (code == tutti::perf::kFailedAlone) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
  return code;
}
