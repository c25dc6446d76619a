// Tutti's C API for simulated fabrics: all ranks of a supernode run in one process, their own calls
// on their own bytes, and virtual time says how long it takes on a fabric that is not there.
//
// Every rank is a fibre of the thread that calls tuttiSimRun; its calls of tutti.h and moe.h take
// virtual time, and everything between them takes none. Deadlines are virtual too. The same program
// and configuration give the same bytes, times and digests in every run, on every machine.
//
// A rank waits in Tutti only: one that blocks its thread otherwise, for another rank, blocks all.
// tuttiCommInitAll is not for ranks of a simulation (tuttiInvalidUsage); all else of the C API is.
#pragma once

#include <tutti/tutti.h>

#ifdef __cplusplus
extern "C" {
#endif

// How closely the fabric is looked at; docs/fabric-model.md.
typedef enum {
  tuttiSimBound = 0,    // closed form: what no fabric of these bandwidths undercuts
  tuttiSimMessage = 1,  // ports serve one message after another
  tuttiSimCell = 2      // flows share ports cell by cell; credits hold senders back. Slower to run
} tuttiSimLevel_t;

// Flag of a run that asks for times only. Payload - what tuttiMemAlloc gives to a rank, and the
// rows of a dispatch - is neither moved nor backed by memory: it has addresses and reads as zeros,
// or what the rank itself has written there. Counts, ids, weights and all other memory are real. A
// call on buffers of which one is payload moves nothing, and what other memory receives from a
// peer's payload is not specified. Times and arrivals_digest are those of the run that moves all of
// it; payload_digest is 0. What tuttiMemAlloc gave is gone when tuttiSimRun returns.
#define TUTTI_SIM_TIMING_ONLY 1u

// Flag of a run that looks for races: memory that one rank or stream writes and another reads or
// writes without being ordered by a line that it has acquired, whether or not that goes wrong at
// this run's times; docs/simulated-bus.md, "Races". Times and digests are those of the run without.
// Not with TUTTI_SIM_TIMING_ONLY. Takes memory for what ranks have read and written, at most 4 GiB.
#define TUTTI_SIM_CHECK_RACES 2u

typedef struct {
  size_t size;            // sizeof(tuttiSimConfig_t), set by the initializer
  unsigned int version;   // TUTTI_VERSION_CODE, set by the initializer
  const char* fabric;     // a built-in profile, or the path of a JSON file; NULL: cloudmatrix384
  const char* rank_per;   // what a rank is: "die", "package", "gpu", ...; NULL: the profile's first
  const int* nodes;       // [num_nodes]: filled with ranks in this order; NULL: from node 0 on
  int num_nodes;          // 0 with nodes == NULL
  tuttiSimLevel_t level;  // default tuttiSimMessage
  int cell_bytes;         // tuttiSimCell: 512 to 4096; 0: 4096
  uint64_t seed;          // for what the profile's faults leave open; default 1
  uint64_t reorder_seed;  // whose turn it is at equal times; 0: ranks in ascending order
  uint64_t time_limit_ns;  // virtual time after which the run ends; 0: none
  size_t stack_bytes;      // of a rank; 0: 1 MiB of address space, of which what is touched counts
  unsigned int flags;      // TUTTI_SIM_*
  // [num_settings]: what this run changes of the profile, each as "PATH=VALUE", the later one of
  // two for the same field: "planes=6", "other_node/write/latency_ns=999"; or what goes wrong:
  // "straggler=7:150", "fault=rank:at_ns=60000,rank=7"; docs/fabric-model.md.
  // Read during the call only.
  const char* const* settings;
  int num_settings;      // 0 with settings == NULL
  int jitter_percent;    // by which a rank's pieces of work vary; 0 to 100, -1: the profile's
  uint64_t jitter_seed;  // of that chance; default 1
  // A file to be written at the end of the run: what every rank and stream did when, every
  // transfer, and the critical path, for chrome://tracing and ui.perfetto.dev; NULL: none.
  // docs/simulated-bus.md, "A trace". It is made before any rank runs, and replaced if it is there.
  // What is recorded until the end takes memory, at most 4 GiB. Times and digests do not depend on
  // it. Read during the call only.
  const char* trace;
  // A file to be written at the end of the run: one HTML page that shows how busy ports were, what
  // ranks did, how many rows each MoE expert got, and the critical path; NULL: none.
  // docs/simulated-bus.md, "A report". All that is said of `trace` holds here, too.
  const char* report;
} tuttiSimConfig_t;

#define TUTTI_SIM_CONFIG_INITIALIZER                                                             \
  {                                                                                              \
    sizeof(tuttiSimConfig_t), TUTTI_VERSION_CODE, NULL, NULL, NULL, 0, tuttiSimMessage, 0, 1, 0, \
        0, 0, 0, NULL, 0, -1, 1, NULL, NULL                                                      \
  }

// What a run was like. Times are whole picoseconds from its start.
typedef struct {
  size_t size;               // sizeof(tuttiSimResult_t), set by the initializer
  unsigned int version;      // TUTTI_VERSION_CODE, set by the initializer
  uint64_t end_ps;           // the last rank's end, or the last arrival
  uint64_t last_arrival_ps;  // of all bytes
  uint64_t bound_ps;         // before this no fabric of these bandwidths has all these arrivals
  uint64_t arrivals_digest;  // of (time, rank, event, bytes): equal where everything was
  uint64_t payload_digest;   // of the bytes that moved, and between whom, whatever the times
  uint64_t transfers;
  uint64_t bytes;         // that arrived, lines included
  uint64_t events;        // of the simulation
  int finished_ranks;     // whose body returned tuttiSuccess
  int first_failed_rank;  // -1: none
} tuttiSimResult_t;

#define TUTTI_SIM_RESULT_INITIALIZER \
  { sizeof(tuttiSimResult_t), TUTTI_VERSION_CODE, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1 }

// What a rank does. `id` is for tuttiCommInitRank, once; more ids come from tuttiGetUniqueId, and
// mean something in this simulation only. What it returns is the rank's end: anything but
// tuttiSuccess is a failure of the run.
typedef tuttiResult_t (*tuttiSimBody_t)(int rank, int nranks, const tuttiUniqueId* id, void* user);

// Runs body(rank, nranks, id, user) on every rank, 0 <= rank < nranks, and returns when all have
// ended. `config` may be NULL: the initializer's values. `result` may be NULL; it is filled
// whenever ranks ran, also when some failed.
//
// Returns the code of the rank that failed first in virtual time, and tuttiGetLastError(NULL) names
// it and says why:
//   - what its body returned; a C++ exception out of it: tuttiInvalidUsage;
//   - tuttiTimeout where ranks wait for ever, saying who waits for what, and at the time limit;
//   - tuttiRemoteError where a fault of the profile ended it;
//   - tuttiSystemError where the record of the run, for a trace or report, would need more than 4
//     GiB, or the checker of races.
// tuttiInternalError where all went well, but ranks raced (TUTTI_SIM_CHECK_RACES): the first race,
// and how many there are. All that are listed are in the log, as warnings.
// tuttiSystemError, too, when all went well and the trace or the report cannot be written: the file
// and why. Before any rank runs: tuttiSystemError for one that cannot be made; tuttiInvalidArgument
// for a profile that is not there or wrong (file, field and what was expected; which setting, if it
// comes from one), ranks or nodes that the fabric does not have, or another field;
// tuttiInvalidUsage from a rank of a simulation. Any number of threads may simulate at once.
TUTTI_API tuttiResult_t tuttiSimRun(const tuttiSimConfig_t* config, int nranks, tuttiSimBody_t body,
                                    void* user, tuttiSimResult_t* result);

// Virtual time of the rank that calls, in picoseconds. tuttiInvalidUsage outside a simulation.
TUTTI_API tuttiResult_t tuttiSimGetTime(uint64_t* picoseconds);

// The rank that calls computes for so long, on `stream` in its turn (NULL: now, in the caller).
// That takes longer on a rank that the profile slows down, and varies by its jitter. Other streams
// of the rank go on meanwhile: each has the rank's cores for itself. `comm` is a communicator of
// the rank's; an open group does not hold the call back. Outside a simulation: tuttiInvalidUsage.
// More than 26 days: tuttiInvalidArgument.
TUTTI_API tuttiResult_t tuttiSimCompute(tuttiComm_t comm, uint64_t nanoseconds,
                                        tuttiStream_t stream);

#ifdef __cplusplus
}
#endif
