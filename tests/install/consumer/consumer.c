// A user of the C API, installed: one rank in this process, and two on a fabric.
#include <stdio.h>
#include <tutti/moe.h>
#include <tutti/sim.h>
#include <tutti/transport_plugin.h>
#include <tutti/tutti.h>

// The page for plugins is C, too.
static const tuttiTransportPlugin_t unused = {.size = sizeof(tuttiTransportPlugin_t)};

static int fails(tuttiResult_t code) {
  if (code != tuttiSuccess) fprintf(stderr, "%s\n", tuttiGetLastError(NULL));
  return code != tuttiSuccess;
}

static tuttiResult_t simulated(int rank, int nranks, const tuttiUniqueId* id, void* user) {
  tuttiComm_t comm;
  tuttiResult_t code = tuttiCommInitRank(&comm, nranks, *id, rank);
  if (code != tuttiSuccess) return code;
  code = tuttiBarrier(comm, NULL);
  (void)user;
  return code != tuttiSuccess ? code : tuttiCommDestroy(comm);
}

int main(void) {
  int version = 0;
  if (fails(tuttiGetVersion(&version)) || version != TUTTI_VERSION_CODE) return 1;
  tuttiComm_t comm;
  float value = 3;
  if (fails(tuttiCommInitAll(&comm, 1))) return 1;
  if (fails(tuttiAllReduce(&value, &value, 1, tuttiFloat32, tuttiSum, comm, NULL))) return 1;
  if (fails(tuttiCommDestroy(comm))) return 1;
  if (fails(tuttiSimRun(NULL, 2, simulated, NULL, NULL))) return 1;
  if (unused.size == 0) return 1;
  return value == 3 ? 0 : 1;
}
