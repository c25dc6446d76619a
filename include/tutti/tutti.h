// Tutti's C API: communicators, collectives, groups, streams, memory and errors, in NCCL's shape.
//
// Conventions, for every call on this page:
//   - A call returns tuttiSuccess or a code below; tuttiGetLastError gives the sentence. Nothing
//     throws, nothing aborts the process, and nothing outside the caller's buffers is written.
//   - Counts are in elements of the given type; 0 is allowed everywhere. Displacements are
//   elements.
//   - Collectives are called by every rank of a communicator in the same order, with the same
//   count,
//     type, operator and root; disagreement is tuttiMismatch, naming a culprit.
//   - Every blocking call has a deadline (tuttiConfig_t::timeout_ms): tuttiTimeout names who is
//   late.
//   - "stream": NULL runs the operation in the caller, which returns when the result is there; any
//     other stream queues it. Buffers must stay valid and unchanged until the operation is
//     complete.
//   - Thread safety: one thread at a time per communicator (another gets tuttiInvalidUsage),
//   different
//     communicators independently. tuttiCommAbort, tuttiCommGetAsyncError and the functions that
//     take no communicator may be called from any thread at any time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TUTTI_MAJOR 0
#define TUTTI_MINOR 1
#define TUTTI_PATCH 0
#define TUTTI_VERSION(major, minor, patch) ((major)*10000 + (minor)*100 + (patch))
#define TUTTI_VERSION_CODE TUTTI_VERSION(TUTTI_MAJOR, TUTTI_MINOR, TUTTI_PATCH)

#define TUTTI_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

// ---- Results ------------------------------------------------------------------------------------

// 0-7 are NCCL's values; ours start at 100.
typedef enum {
  tuttiSuccess = 0,
  tuttiUnhandledDeviceError = 1,  // never returned on CPUs; keeps NCCL's numbering
  tuttiSystemError = 2,           // the operating system refused: memory, descriptors, sockets
  tuttiInternalError = 3,         // a defect in Tutti
  tuttiInvalidArgument = 4,       // one argument is wrong by itself
  tuttiInvalidUsage = 5,          // fine arguments, but not allowed now or not supported
  tuttiRemoteError = 6,           // another rank died, left or failed; the message names it
  tuttiInProgress = 7,            // not finished yet; not an error
  tuttiTimeout = 100,             // the deadline passed; the message names the ranks waited for
  tuttiMismatch = 101,            // ranks disagree about the operation
  tuttiPeerFailed = 102,          // fault-tolerant mode: the step finished without the dead ranks
  tuttiCapacityExceeded = 103,    // the caller's output is too small; the needed size is reported
  tuttiStale = 104,               // a plan or handle from before a change
  tuttiAborted = 105              // tuttiCommAbort was called on this communicator
} tuttiResult_t;

typedef struct tuttiComm* tuttiComm_t;
typedef struct tuttiStream* tuttiStream_t;
typedef struct tuttiEvent* tuttiEvent_t;
typedef struct tuttiWindow* tuttiWindow_t;

// Writes the version as TUTTI_VERSION(major, minor, patch).
TUTTI_API tuttiResult_t tuttiGetVersion(int* version);

// A constant sentence for a code; never NULL.
TUTTI_API const char* tuttiGetErrorString(tuttiResult_t result);

// The last error of `comm`, or with NULL the last error of a call made by this thread without a
// usable communicator. Names code, operation, sequence, communicator and culprit ranks; local facts
// follow
// "|". Never NULL, empty when there was none; valid until this rank's next call.
TUTTI_API const char* tuttiGetLastError(tuttiComm_t comm);

// ---- Communicators ------------------------------------------------------------------------------

#define TUTTI_UNIQUE_ID_BYTES 128

// Where ranks meet: an address and a random 128-bit secret. Opaque; send it by any means.
typedef struct {
  char internal[TUTTI_UNIQUE_ID_BYTES];
} tuttiUniqueId;

#define TUTTI_CONFIG_UNDEF_INT (-2147483647 - 1)

// What a communicator is made with. Fields left undefined take the environment's value, then the
// default. Ranks must agree on all of them except `name`.
typedef struct {
  size_t size;            // sizeof(tuttiConfig_t), set by the initializer
  unsigned int version;   // TUTTI_VERSION_CODE, set by the initializer
  int timeout_ms;         // deadline of every blocking call; default 30000 (TUTTI_TIMEOUT_MS)
  const char* name;       // shown in messages; default "world", "split", ...; copied
  const char* transport;  // "shm", ... or NULL: the best that reaches every rank (TUTTI_TRANSPORT)
} tuttiConfig_t;

#define TUTTI_CONFIG_INITIALIZER \
  { sizeof(tuttiConfig_t), TUTTI_VERSION_CODE, TUTTI_CONFIG_UNDEF_INT, NULL, NULL }

// Makes an id and starts the service where ranks meet, inside this process, until they all have.
// One id makes one communicator. Listens at an address that other hosts reach: chosen by
// TUTTI_SOCKET_IFNAME, TUTTI_SOCKET_CIDR and TUTTI_SOCKET_FAMILY, or the first that is not loopback
// nor a container's; nobody gets in who does not know the id, which therefore is a secret.
// tuttiInvalidArgument: no interface fits those variables; tuttiSystemError: no port.
TUTTI_API tuttiResult_t tuttiGetUniqueId(tuttiUniqueId* id);

// Joins the communicator of `nranks` ranks that meet at `id`, as `rank` (0 <= rank < nranks).
// Collective: returns when all ranks have joined. A rank or an id used twice: tuttiInvalidUsage.
TUTTI_API tuttiResult_t tuttiCommInitRank(tuttiComm_t* comm, int nranks, tuttiUniqueId id,
                                          int rank);
TUTTI_API tuttiResult_t tuttiCommInitRankConfig(tuttiComm_t* comm, int nranks, tuttiUniqueId id,
                                                int rank, const tuttiConfig_t* config);

// Makes `nranks` ranks of one communicator in this process; comms[r] is rank r's handle. Each rank
// is then driven by a thread of its own, or all by one thread inside groups.
TUTTI_API tuttiResult_t tuttiCommInitAll(tuttiComm_t* comms, int nranks);

// Joins the world of the launcher that started this process: tutti-run, Open MPI, MPICH, Slurm,
// torchrun, Kubernetes or a rank table (docs/launching.md). Without any, and where two contradict
// each other, tuttiInvalidUsage.
TUTTI_API tuttiResult_t tuttiCommInitWorld(tuttiComm_t* comm);

// The embedder's all-gather: copies `bytes` from `mine` of every rank into `all`, in rank order.
// Neither is NULL and `bytes` is not 0. Collective and blocking; returns 0, or anything else for
// failure.
typedef int (*tuttiAllGatherFn)(void* user, const void* mine, void* all, size_t bytes);

// As tuttiCommInitRank, but ranks meet through the caller's all-gather, which is called only before
// this function returns.
TUTTI_API tuttiResult_t tuttiCommInitCallbacks(int rank, int nranks, tuttiAllGatherFn allgather,
                                               void* user, tuttiComm_t* comm);

#define TUTTI_SPLIT_NOCOLOR (-1)

// Collective over `comm`: ranks with the same `color` (>= 0) form a communicator, ordered by `key`,
// then by rank in `comm`. TUTTI_SPLIT_NOCOLOR gets *newcomm = NULL. `config` may be NULL: the
// parent's.
TUTTI_API tuttiResult_t tuttiCommSplit(tuttiComm_t comm, int color, int key, tuttiComm_t* newcomm,
                                       const tuttiConfig_t* config);

#define TUTTI_SHRINK_DEFAULT 0  // the parent must be healthy and idle
#define TUTTI_SHRINK_ABORT 1    // the parent may have failed; its operations are abandoned

// Called by every rank not in `exclude`, with the same list: a communicator of the others, in the
// same order. The parent stays as it is and is destroyed by its owner. `config` may be NULL.
TUTTI_API tuttiResult_t tuttiCommShrink(tuttiComm_t comm, const int* exclude, int count,
                                        tuttiComm_t* newcomm, const tuttiConfig_t* config,
                                        int flags);

// Collective: returns when every rank has finished its outstanding operations and called it. Only
// tuttiCommDestroy may follow.
TUTTI_API tuttiResult_t tuttiCommFinalize(tuttiComm_t comm);

// Local: releases everything. Waits for this rank's queued operations, up to the deadline. NULL is
// allowed. A peer that still waits for this rank gets tuttiRemoteError.
TUTTI_API tuttiResult_t tuttiCommDestroy(tuttiComm_t comm);

// Local, from any thread: this rank's calls on `comm` return tuttiAborted, peers that wait for it
// get tuttiRemoteError, and the handle is released once no call of this rank is inside.
TUTTI_API tuttiResult_t tuttiCommAbort(tuttiComm_t comm);

// The state of operations on streams: tuttiSuccess, or the error that poisoned the communicator.
TUTTI_API tuttiResult_t tuttiCommGetAsyncError(tuttiComm_t comm, tuttiResult_t* error);

TUTTI_API tuttiResult_t tuttiCommCount(tuttiComm_t comm, int* count);
TUTTI_API tuttiResult_t tuttiCommUserRank(tuttiComm_t comm, int* rank);

// What this rank's last operation on `comm` used: a collective, the algorithm, as TUTTI_ALGO takes
// it; Send and Recv, how the bytes went: "inline" in a line, "in_place" read from the sender's
// buffer, or "staged". "" before the first. A constant string. For reports, not for decisions.
TUTTI_API tuttiResult_t tuttiCommGetAlgorithm(tuttiComm_t comm, const char** name);

// ---- Collectives --------------------------------------------------------------------------------

// NCCL's values.
typedef enum {
  tuttiInt8 = 0,
  tuttiChar = 0,
  tuttiUint8 = 1,
  tuttiInt32 = 2,
  tuttiInt = 2,
  tuttiUint32 = 3,
  tuttiInt64 = 4,
  tuttiUint64 = 5,
  tuttiFloat16 = 6,
  tuttiHalf = 6,
  tuttiFloat32 = 7,
  tuttiFloat = 7,
  tuttiFloat64 = 8,
  tuttiDouble = 8,
  tuttiBfloat16 = 9,
  tuttiFloat8e4m3 = 10,
  tuttiFloat8e5m2 = 11,
  tuttiNumTypes = 12
} tuttiDataType_t;

// NCCL's values. Integer sums and products wrap; integer avg truncates towards zero. 16- and 8-bit
// floats accumulate in float and round to nearest even once; 8-bit floats saturate.
typedef enum {
  tuttiSum = 0,
  tuttiProd = 1,
  tuttiMax = 2,
  tuttiMin = 3,
  tuttiAvg = 4,
  tuttiNumOps = 5,
  tuttiMaxRedOp = 0x7fffffff  // user-made operators lie between tuttiNumOps and this
} tuttiRedOp_t;

typedef enum { tuttiScalarDevice = 0, tuttiScalarHostImmediate = 1 } tuttiScalarResidence_t;

// An operator of `comm` that multiplies this rank's input by *scalar (of `datatype`), then sums.
// Local; each rank brings its own scalar. tuttiScalarDevice reads it when an operation runs,
// tuttiScalarHostImmediate now. Usable with `datatype` only.
TUTTI_API tuttiResult_t tuttiRedOpCreatePreMulSum(tuttiRedOp_t* op, void* scalar,
                                                  tuttiDataType_t datatype,
                                                  tuttiScalarResidence_t residence,
                                                  tuttiComm_t comm);
TUTTI_API tuttiResult_t tuttiRedOpDestroy(tuttiRedOp_t op, tuttiComm_t comm);

// In-place forms are NCCL's: AllReduce, Broadcast, Reduce: sendbuff == recvbuff. AllGather:
// sendbuff == recvbuff + rank * sendcount. ReduceScatter: recvbuff == sendbuff + rank * recvcount.
// Gather: the root's sendbuff == recvbuff + rank * count; Scatter mirrored. AlltoAll(v): sendbuff
// == recvbuff (with equal counts and displacements both ways). Any other overlap is
// tuttiInvalidArgument.

// recvbuff[i] = op over ranks of sendbuff[i]; both [count].
TUTTI_API tuttiResult_t tuttiAllReduce(const void* sendbuff, void* recvbuff, size_t count,
                                       tuttiDataType_t datatype, tuttiRedOp_t op, tuttiComm_t comm,
                                       tuttiStream_t stream);

// recvbuff [count] on every rank = sendbuff [count] of `root`; sendbuff is read on the root only.
TUTTI_API tuttiResult_t tuttiBroadcast(const void* sendbuff, void* recvbuff, size_t count,
                                       tuttiDataType_t datatype, int root, tuttiComm_t comm,
                                       tuttiStream_t stream);

// recvbuff [count] on `root` = op over ranks of sendbuff [count]; recvbuff is used on the root
// only.
TUTTI_API tuttiResult_t tuttiReduce(const void* sendbuff, void* recvbuff, size_t count,
                                    tuttiDataType_t datatype, tuttiRedOp_t op, int root,
                                    tuttiComm_t comm, tuttiStream_t stream);

// recvbuff [nranks, sendcount]: row r = sendbuff [sendcount] of rank r.
TUTTI_API tuttiResult_t tuttiAllGather(const void* sendbuff, void* recvbuff, size_t sendcount,
                                       tuttiDataType_t datatype, tuttiComm_t comm,
                                       tuttiStream_t stream);

// recvbuff [recvcount] = op over ranks of row `rank` of sendbuff [nranks, recvcount].
TUTTI_API tuttiResult_t tuttiReduceScatter(const void* sendbuff, void* recvbuff, size_t recvcount,
                                           tuttiDataType_t datatype, tuttiRedOp_t op,
                                           tuttiComm_t comm, tuttiStream_t stream);

// Row p of sendbuff [nranks, count] goes to row `rank` of recvbuff [nranks, count] on rank p.
TUTTI_API tuttiResult_t tuttiAlltoAll(const void* sendbuff, void* recvbuff, size_t count,
                                      tuttiDataType_t datatype, tuttiComm_t comm,
                                      tuttiStream_t stream);

// recvbuff [nranks, count] on `root`: row r = sendbuff [count] of rank r.
TUTTI_API tuttiResult_t tuttiGather(const void* sendbuff, void* recvbuff, size_t count,
                                    tuttiDataType_t datatype, int root, tuttiComm_t comm,
                                    tuttiStream_t stream);

// recvbuff [count] on rank r = row r of sendbuff [nranks, count] of `root`.
TUTTI_API tuttiResult_t tuttiScatter(const void* sendbuff, void* recvbuff, size_t count,
                                     tuttiDataType_t datatype, int root, tuttiComm_t comm,
                                     tuttiStream_t stream);

// Point to point: matched in order per (sender, receiver) pair; both sides give the same count and
// type. A blocking Send may wait for its Recv; inside one group they cannot deadlock.
TUTTI_API tuttiResult_t tuttiSend(const void* sendbuff, size_t count, tuttiDataType_t datatype,
                                  int peer, tuttiComm_t comm, tuttiStream_t stream);
TUTTI_API tuttiResult_t tuttiRecv(void* recvbuff, size_t count, tuttiDataType_t datatype, int peer,
                                  tuttiComm_t comm, tuttiStream_t stream);

// What NCCL lacks. The arrays have nranks entries and are read before the call returns.

// sendcounts[p] elements at sendbuff + sdispls[p] go to recvbuff + rdispls[me] of rank p, whose
// recvcounts[me] must be equal (tuttiMismatch otherwise).
TUTTI_API tuttiResult_t tuttiAlltoAllv(const void* sendbuff, const size_t* sendcounts,
                                       const size_t* sdispls, void* recvbuff,
                                       const size_t* recvcounts, const size_t* rdispls,
                                       tuttiDataType_t datatype, tuttiComm_t comm,
                                       tuttiStream_t stream);

// sendbuff [sendcount] of rank r goes to recvbuff + rdispls[r] (recvcounts[r] elements) everywhere.
// In place: sendbuff == recvbuff + rdispls[rank].
TUTTI_API tuttiResult_t tuttiAllGatherv(const void* sendbuff, size_t sendcount, void* recvbuff,
                                        const size_t* recvcounts, const size_t* rdispls,
                                        tuttiDataType_t datatype, tuttiComm_t comm,
                                        tuttiStream_t stream);

// recvbuff [sendcounts[rank]] = op over ranks of the sendcounts[rank] elements at sendbuff +
// sdispls[rank]. The arrays are the same on every rank. In place: recvbuff == sendbuff +
// sdispls[rank].
TUTTI_API tuttiResult_t tuttiReduceScatterv(const void* sendbuff, const size_t* sendcounts,
                                            const size_t* sdispls, void* recvbuff,
                                            tuttiDataType_t datatype, tuttiRedOp_t op,
                                            tuttiComm_t comm, tuttiStream_t stream);

// Returns (or completes on the stream) when every rank has called it.
TUTTI_API tuttiResult_t tuttiBarrier(tuttiComm_t comm, tuttiStream_t stream);

// ---- Groups -------------------------------------------------------------------------------------

// Calls between Start and the matching End of this thread are queued; the outermost End runs them
// concurrently and returns when those on NULL streams are done. One thread may drive several
// communicators inside a group. An error found while queueing makes End return it, and nothing is
// sent.
TUTTI_API tuttiResult_t tuttiGroupStart(void);
TUTTI_API tuttiResult_t tuttiGroupEnd(void);

// ---- Memory -------------------------------------------------------------------------------------

// Local: `size` bytes from the process's shareable heap, zeroed, aligned to 4096. Peers on this
// host read and write it in place, so collectives on it copy nothing twice. size 0 gives NULL.
TUTTI_API tuttiResult_t tuttiMemAlloc(void** ptr, size_t size);
// Frees it. Memory that is registered or used by an operation in flight: tuttiInvalidUsage.
TUTTI_API tuttiResult_t tuttiMemFree(void* ptr);

#define TUTTI_WIN_DEFAULT 0
#define TUTTI_WIN_COLL_SYMMETRIC 1  // every rank registers the same size

// Collective: declares [buff, buff + size) of every rank for repeated use; maps it in every peer
// now rather than at the first operation. tuttiMemAlloc memory only: tuttiInvalidArgument
// otherwise.
TUTTI_API tuttiResult_t tuttiCommWindowRegister(tuttiComm_t comm, void* buff, size_t size,
                                                tuttiWindow_t* window, int flags);
TUTTI_API tuttiResult_t tuttiCommWindowDeregister(tuttiComm_t comm, tuttiWindow_t window);

// Local hint that foreign memory will be used often: networks register it, thread ranks read it in
// place anyway, other processes get staged pipelined copies. Never an error for valid memory.
TUTTI_API tuttiResult_t tuttiCommRegister(tuttiComm_t comm, void* buff, size_t size, void** handle);
TUTTI_API tuttiResult_t tuttiCommDeregister(tuttiComm_t comm, void* handle);

// ---- Streams and events -------------------------------------------------------------------------

// A stream runs what is queued on it in order, on a worker of its own, beside the caller. It may
// serve several communicators. A failed operation poisons its communicator; the rest of the queue
// still runs (operations on the poisoned communicator fail at once). Stream and event calls are
// thread-safe.
TUTTI_API tuttiResult_t tuttiStreamCreate(tuttiStream_t* stream);
// Waits for the queue, then releases the stream.
TUTTI_API tuttiResult_t tuttiStreamDestroy(tuttiStream_t stream);
// tuttiSuccess when everything queued so far is done, tuttiInProgress otherwise, or the first error
// since the last Synchronize.
TUTTI_API tuttiResult_t tuttiStreamQuery(tuttiStream_t stream);
// Waits for everything queued so far; returns and clears the first error.
TUTTI_API tuttiResult_t tuttiStreamSynchronize(tuttiStream_t stream);
// What is queued on `stream` after this call waits for the last Record of `event`.
TUTTI_API tuttiResult_t tuttiStreamWaitEvent(tuttiStream_t stream, tuttiEvent_t event);

TUTTI_API tuttiResult_t tuttiEventCreate(tuttiEvent_t* event);
TUTTI_API tuttiResult_t tuttiEventDestroy(tuttiEvent_t event);
// The event is reached when everything queued on `stream` before this call is done (NULL: at once).
TUTTI_API tuttiResult_t tuttiEventRecord(tuttiEvent_t event, tuttiStream_t stream);
// tuttiSuccess or tuttiInProgress; an event never recorded is reached.
TUTTI_API tuttiResult_t tuttiEventQuery(tuttiEvent_t event);
TUTTI_API tuttiResult_t tuttiEventSynchronize(tuttiEvent_t event);

typedef void (*tuttiHostFn)(void* user);
// Runs fn(user) on the stream, in its turn; NULL stream: now. fn must not throw.
TUTTI_API tuttiResult_t tuttiLaunchHostFunc(tuttiStream_t stream, tuttiHostFn fn, void* user);

#ifdef __cplusplus
}
#endif
