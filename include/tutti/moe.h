// Tutti's C API for token dispatch and combine in expert-parallel Mixture-of-Experts layers.
//
// Three objects: a group (sizes and memory, collective to create), plans (the routing of one step),
// and operations on a plan (dispatch, combine). Notation: R ranks, n tokens of this rank in this
// step (may differ per rank, may be 0), K top-k, E experts, L experts on this rank, H elements in a
// row.
//
// The conventions of tutti.h hold: codes, deadlines, thread safety. Group creation and destruction,
// PlanUpdate, Dispatch and Combine are called by every rank of the group in the same order.
#pragma once

#include <tutti/tutti.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tuttiMoeGroup* tuttiMoeGroup_t;
typedef struct tuttiMoePlan* tuttiMoePlan_t;

#define TUTTI_MOE_MAX_TOPK 64

// How many copies of a token travel.
typedef enum {
  tuttiMoeRowsPerRank = 0,  // one per (token, destination rank), however many experts it visits
  tuttiMoeRowsPerLane = 1   // one per (token, lane), as published operators send
} tuttiMoeRowsPer_t;

// What dispatch delivers. Row order inside every group: ascending (source rank, token, lane).
typedef enum {
  tuttiMoeLayoutToken = 0,  // [N, row]: one per (token, this rank); RowsPerLane: per (token, lane)
  tuttiMoeLayoutExpert = 1  // [sum N_e, row]: grouped by local expert, one per (token, lane)
} tuttiMoeLayout_t;

// Sizes of a group; the same on every rank.
typedef struct {
  size_t size;                // sizeof(tuttiMoeConfig_t), set by the initializer
  unsigned int version;       // TUTTI_VERSION_CODE, set by the initializer
  int num_experts;            // E >= 1; need not divide by R
  const int* expert_to_rank;  // [E]; NULL: contiguous blocks, the first E % R ranks own one more
  int max_tokens_per_rank;    // n <= this
  int max_topk;               // K <= this <= TUTTI_MOE_MAX_TOPK
  size_t max_row_bytes;       // bytes of one row
  size_t max_side_bytes;      // bytes of side payload (scales, ids) beside a row; may be 0
  int max_inflight;           // plans in flight at a time (tuttiMoePlanUpdate); default 2
  size_t memory_budget;       // bytes of library memory per rank; 0: unlimited. With a budget no
                              // token is relayed (TUTTI_MOE_RELAY in docs/environment.md)
  tuttiMoeRowsPer_t rows_per;
  int timeout_ms;      // TUTTI_CONFIG_UNDEF_INT: the communicator's
  unsigned int flags;  // 0
} tuttiMoeConfig_t;

#define TUTTI_MOE_CONFIG_INITIALIZER                                                              \
  {                                                                                               \
    sizeof(tuttiMoeConfig_t), TUTTI_VERSION_CODE, 0, NULL, 0, 0, 0, 0, 2, 0, tuttiMoeRowsPerRank, \
        TUTTI_CONFIG_UNDEF_INT, 0                                                                 \
  }

// Library memory of one rank of a group, in bytes, against which memory_budget is checked. Where
// tokens are relayed, a plan has the rows that this rank relays beside that.
typedef struct {
  size_t control_bytes;  // lines and flags
  size_t staging_bytes;  // where rows that peers cannot read in place are copied to
  size_t plan_bytes;     // one plan's routing tables, at most; times the number of plans
  size_t output_bytes;   // one library-owned output, at most; made when first asked for
} tuttiMoeMemory_t;

// Pure arithmetic, no communicator needed. Invalid configurations: tuttiInvalidArgument, naming the
// field.
TUTTI_API tuttiResult_t tuttiMoeQueryMemory(const tuttiMoeConfig_t* config, int nranks,
                                            tuttiMoeMemory_t* memory);

// Collective over `comm`, which must outlive the group. Ranks that disagree on the configuration
// all get tuttiMismatch. Failures inside the group poison the group, not `comm`.
TUTTI_API tuttiResult_t tuttiMoeGroupCreate(tuttiComm_t comm, const tuttiMoeConfig_t* config,
                                            tuttiMoeGroup_t* group);
// Local. Plans must be destroyed first (tuttiInvalidUsage otherwise); NULL is allowed. Frees what
// tuttiMoeBuffer gave out.
TUTTI_API tuttiResult_t tuttiMoeGroupDestroy(tuttiMoeGroup_t group);
// The last error of this group; as tuttiGetLastError.
TUTTI_API const char* tuttiMoeGetLastError(tuttiMoeGroup_t group);

// How the rows of this rank's last dispatch or combine of this group reached its peers: "in_place",
// read where the caller had them, or "staged", copied to library memory first; "" before the first.
// A constant string. For reports, not for decisions.
TUTTI_API tuttiResult_t tuttiMoeGetAlgorithm(tuttiMoeGroup_t group, const char** name);

// The experts of this rank, ascending: *count = L, *experts [L] owned by the group (may be NULL).
TUTTI_API tuttiResult_t tuttiMoeLocalExperts(tuttiMoeGroup_t group, int* count,
                                             const int** experts);

// A safe capacity, in rows, for any step of this group in `layout` with groups aligned to `align`
// rows.
TUTTI_API tuttiResult_t tuttiMoeRecvBound(tuttiMoeGroup_t group, tuttiMoeLayout_t layout, int align,
                                          size_t* rows);

// `bytes` of zeroed library memory that peers read in place: for rows given to dispatch and
// combine. Aligned to 4096; lives until the group dies.
TUTTI_API tuttiResult_t tuttiMoeBuffer(tuttiMoeGroup_t group, size_t bytes, void** buffer);

// ---- Plans --------------------------------------------------------------------------------------

TUTTI_API tuttiResult_t tuttiMoePlanCreate(tuttiMoeGroup_t group, tuttiMoePlan_t* plan);
// Local; library-owned outputs of this plan end with it. NULL is allowed. The plan's routing ends
// too: after an update without a dispatch, every rank must have taken its counts first.
TUTTI_API tuttiResult_t tuttiMoePlanDestroy(tuttiMoePlan_t plan);

// The routing of this step: topk_idx [n, K] expert ids of `idx_type` (tuttiInt32 or tuttiInt64),
// rows `row_stride` elements apart (>= K). -1 is an unused lane. An expert may occur once per
// token. Copies, checks and sorts, tells every rank what it will receive, never waits for a peer.
// An id >= E or repeated: tuttiInvalidArgument, naming token and lane, before anything is sent.
// With n == 0 the call is still made. (It does wait for peers that are several operations of this
// group behind.)
//
// The plan is then in flight until tuttiMoePlanCounts or tuttiMoeDispatch has taken the routing of
// all ranks; so is any plan while operations of it are queued on a stream or in a group. An update,
// dispatch or combine that would bring one plan more than max_inflight into flight is
// tuttiInvalidUsage, and nothing is sent.
//
// While operations of the plan are queued on a stream or in a group, this, tuttiMoePlanCounts,
// tuttiMoePlanDestroy and operations elsewhere are tuttiInvalidUsage. In an open group
// (tuttiGroupStart), dispatches and combines are queued as collectives are; this call acts at once,
// and is tuttiInvalidUsage after one of them.
TUTTI_API tuttiResult_t tuttiMoePlanUpdate(tuttiMoePlan_t plan, const void* topk_idx,
                                           tuttiDataType_t idx_type, size_t row_stride, int n,
                                           int k);

// Where a received row comes from.
typedef struct {
  int32_t rank;
  int32_t token;
  int32_t lane;  // the first lane of the token on this rank where a row stands for several
} tuttiMoeSource_t;

// What this rank will receive. The caller sets `layout`, `align` and the pointers it wants filled
// (any may be NULL); the call waits for every rank's PlanUpdate.
typedef struct {
  size_t size;           // sizeof(tuttiMoeCounts_t), set by the initializer
  unsigned int version;  // TUTTI_VERSION_CODE, set by the initializer
  tuttiMoeLayout_t layout;
  int align;                  // EXPERT: rows to which each group's start is aligned; 0 or 1: none
  size_t num_rows;            // out: rows dispatch will deliver, padding included
  int64_t* expert_counts;     // out [L]: (token, lane) pairs per local expert
  int64_t* expert_offsets;    // out [L + 1], EXPERT: first row of each group, then num_rows
  int64_t* source_counts;     // out [R]: rows from each rank, without padding
  tuttiMoeSource_t* sources;  // out [num_rows]; padding rows have rank -1
  size_t sources_capacity;    // entries that `sources` can take
} tuttiMoeCounts_t;

#define TUTTI_MOE_COUNTS_INITIALIZER                                                           \
  {                                                                                            \
    sizeof(tuttiMoeCounts_t), TUTTI_VERSION_CODE, tuttiMoeLayoutToken, 1, 0, NULL, NULL, NULL, \
        NULL, 0                                                                                \
  }

TUTTI_API tuttiResult_t tuttiMoePlanCounts(tuttiMoePlan_t plan, tuttiMoeCounts_t* counts);

// ---- Dispatch -----------------------------------------------------------------------------------

// EXPERT: rows between groups are zeroed; otherwise left as they were.
#define TUTTI_MOE_ZERO_PADDING 1u

// The tokens of this rank. Rows are opaque bytes; row_bytes, side_bytes, layout, align, flags and k
// are the same on every rank.
typedef struct {
  size_t size;                // sizeof(tuttiMoeDispatchArgs_t), set by the initializer
  unsigned int version;       // TUTTI_VERSION_CODE, set by the initializer
  const void* rows;           // [n, row_bytes]
  size_t row_stride;          // bytes between rows, >= row_bytes; 0: row_bytes
  size_t row_bytes;           // > 0, <= max_row_bytes
  const void* side;           // [n, side_bytes]; NULL when side_bytes is 0
  size_t side_stride;         // bytes; 0: side_bytes
  size_t side_bytes;          // <= max_side_bytes
  const float* topk_weights;  // [n, K] dense; NULL: all 1. Kept for the combine of this plan
  tuttiMoeLayout_t layout;
  int align;           // EXPERT: as in tuttiMoeCounts_t
  unsigned int flags;  // TUTTI_MOE_ZERO_PADDING
} tuttiMoeDispatchArgs_t;

#define TUTTI_MOE_DISPATCH_ARGS_INITIALIZER                                           \
  {                                                                                   \
    sizeof(tuttiMoeDispatchArgs_t), TUTTI_VERSION_CODE, NULL, 0, 0, NULL, 0, 0, NULL, \
        tuttiMoeLayoutToken, 1, 0                                                     \
  }

// Where dispatch puts what arrives. With rows == NULL the library sets rows, side, ids and weights
// to memory of its own, valid until the next dispatch of this plan or the plan's end; such rows can
// be computed on in place and given to combine without a copy. Otherwise the caller's pointers are
// filled (side, ids, weights may be NULL) and capacity_rows is what they hold.
typedef struct {
  size_t size;           // sizeof(tuttiMoeOutput_t), set by the initializer
  unsigned int version;  // TUTTI_VERSION_CODE, set by the initializer
  void* rows;            // [num_rows, row_bytes]
  void* side;            // [num_rows, side_bytes]
  int32_t* ids;    // [num_rows, K] expert ids local to this rank, -1 elsewhere; EXPERT: not set
  float* weights;  // TOKEN: [num_rows, K], 0 where ids is -1; EXPERT: [num_rows], 0 in padding
  size_t capacity_rows;
  size_t num_rows;  // out: rows delivered, padding included; on tuttiCapacityExceeded: rows needed
} tuttiMoeOutput_t;

#define TUTTI_MOE_OUTPUT_INITIALIZER \
  { sizeof(tuttiMoeOutput_t), TUTTI_VERSION_CODE, NULL, NULL, NULL, NULL, 0, 0 }

// Sends this rank's rows where the plan says and delivers what other ranks send here. On a stream,
// args and output structs are read at the call, buffers until completion; output->num_rows and
// library pointers are written at completion, so `output` must live until then. Too small an
// output: tuttiCapacityExceeded, nothing of it written, the needed number in num_rows; peers are
// not disturbed and the dispatch may be repeated by all ranks.
TUTTI_API tuttiResult_t tuttiMoeDispatch(tuttiMoePlan_t plan, const tuttiMoeDispatchArgs_t* args,
                                         tuttiMoeOutput_t* output, tuttiStream_t stream);

// ---- Combine ------------------------------------------------------------------------------------

// In what order a token's rows are added, in float, with one final rounding.
typedef enum {
  // EXPERT: weight * row, each product rounded, in lane order; bit-identical on every rank count,
  // placement, transport and instruction set.
  tuttiMoeSourceOnly = 0,
  // TOKEN: rows as the caller weighted them, in ascending rank order.
  tuttiMoeRankOrder = 1
} tuttiMoeReduction_t;

typedef struct {
  size_t size;           // sizeof(tuttiMoeCombineArgs_t), set by the initializer
  unsigned int version;  // TUTTI_VERSION_CODE, set by the initializer
  const void* rows;      // [num_rows, H] in the places where the plan's last dispatch delivered
  size_t row_stride;     // bytes; 0: dense
  size_t hidden;         // H, the same on every rank
  tuttiDataType_t type;  // tuttiBfloat16, tuttiFloat16 or tuttiFloat32: of rows, biases and out
  tuttiMoeReduction_t reduction;
  const void* const* biases;  // num_biases arrays [n, H] dense, added last in this order, or NULL
  int num_biases;
} tuttiMoeCombineArgs_t;

#define TUTTI_MOE_COMBINE_ARGS_INITIALIZER                                        \
  {                                                                               \
    sizeof(tuttiMoeCombineArgs_t), TUTTI_VERSION_CODE, NULL, 0, 0, tuttiBfloat16, \
        tuttiMoeSourceOnly, NULL, 0                                               \
  }

// out [n, H] dense: token t = the sum of its rows, wherever they are, plus biases. A token whose
// lanes are all -1 gets the biases' sum, or 0. Rows in tuttiMemAlloc or tuttiMoeBuffer memory, or
// in the dispatch's library-owned output, are read in place. Without a dispatch before it:
// tuttiInvalidUsage.
TUTTI_API tuttiResult_t tuttiMoeCombine(tuttiMoePlan_t plan, const tuttiMoeCombineArgs_t* args,
                                        void* out, tuttiStream_t stream);

#ifdef __cplusplus
}
#endif
