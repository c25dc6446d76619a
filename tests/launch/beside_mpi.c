// Two ranks that use MPI and Tutti in one process, by one launcher: beside_mpi mpi|tutti says which
// comes first.
#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <tutti/tutti.h>

static int join(tuttiComm_t* comm) {
  if (tuttiCommInitWorld(comm) == tuttiSuccess) return 1;
  fprintf(stderr, "%s\n", tuttiGetLastError(NULL));
  return 0;
}

int main(int argc, char** argv) {
  const int tutti_first = argc > 1 && strcmp(argv[1], "tutti") == 0;
  tuttiComm_t comm = NULL;
  if (tutti_first && !join(&comm)) return 1;
  MPI_Init(&argc, &argv);
  if (!tutti_first && !join(&comm)) return 1;
  int rank = 0, same = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  tuttiCommUserRank(comm, &same);
  float sum = 1;
  const tuttiResult_t result = tuttiAllReduce(&sum, &sum, 1, tuttiFloat32, tuttiSum, comm, NULL);
  tuttiCommDestroy(comm);
  MPI_Finalize();
  return result == tuttiSuccess && sum == 2 && rank == same ? 0 : 1;
}
