// What a rank that is a process and the simulation that serves it say to each other in shared
// memory. Both are the same build of the library.
//
// A lane is one thread of the process and the fibre that stands for it. The process writes commands
// one behind the other and hands the lane over when it needs an answer; the fibre carries them out
// in order, answers the last one and gives the lane back. Nobody else touches it meanwhile.
#pragma once

#include <tutti/tutti.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <tutti/transport.hpp>

#include "memory/shared_file.hpp"
#include "transports/ub/bus/bus_costs.hpp"

namespace tutti::ub::wire {

// Environment: the world's file, as encode() has it.
inline constexpr const char* kWorldVariable = "TUTTI_FABRIC_WORLD";

inline constexpr std::uint64_t kMagic = 0x31575642'54545554;  // "TUTTBVW1"
inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kLaneBytes = std::size_t{64} << 10;
inline constexpr std::uint32_t kLanes = 64;  // of a process: its own thread and its streams
inline constexpr std::size_t kReplyBytes = std::size_t{8} << 10;
inline constexpr std::size_t kCommandBytes = kLaneBytes - kReplyBytes - 64;

// Whose turn it is.
enum Turn : std::uint32_t { kOfProcess = 0, kOfSimulation = 1 };  // turn.hpp

struct alignas(64) Lane {
  std::atomic<std::uint32_t> turn;       // a futex of both
  std::atomic<std::uint32_t> sleeps[2];  // [Turn]: that side has announced to sleep
  std::uint32_t used;                    // bytes of commands
  std::uint32_t code;  // tuttiResult_t of the answer; an error has a FailureHead in it
  std::uint32_t reply_bytes;
  alignas(64) std::byte reply[kReplyBytes];
  std::byte commands[kCommandBytes];
};
static_assert(sizeof(Lane) == kLaneBytes);

struct alignas(kPage) Process {
  std::atomic<std::int32_t> pid;    // which process is the rank; 0: none yet
  std::atomic<std::uint32_t> live;  // lanes in use; written by the simulation
  std::int64_t now_ps;              // when the simulation answered last
  std::uint64_t answers;            // how often it has
};
static_assert(sizeof(Process) == kPage);

struct alignas(kPage) World {
  std::uint64_t magic;
  std::uint32_t version;  // TUTTI_VERSION_CODE
  std::int32_t ranks;
  // One file with the heaps of all ranks, which each process maps once: hundreds of files, each
  // mapped by all others, would cost more than what is simulated.
  SharedFileHandle heaps;
  std::uint64_t heap_stride;   // bytes from one rank's heap to the next one's; of 2 MiB
  std::uint64_t heap_reserve;  // bytes of each; its header follows
  std::uint64_t records;       // 1: calls are told (CallWatcher)
  // Bytes behind the heaps, in no file: what a process has there is hollow (Heap::hollow). Counted
  // from a rank's heap it begins at the same offset in every process. 0: there is none.
  std::uint64_t hollow_reserve;
};
static_assert(sizeof(World) == kPage);

// Where hollow memory begins, from the heap of a rank on.
constexpr std::size_t hollow_offset(std::size_t heaps_bytes, std::size_t heap_stride,
                                    std::size_t rank) noexcept {
  return heaps_bytes - rank * heap_stride;
}

// The file: World, then for each rank Process and its lanes.
inline constexpr std::size_t kProcessBytes = sizeof(Process) + kLanes * kLaneBytes;
constexpr std::size_t offset_of_process(std::size_t rank) noexcept {
  return sizeof(World) + rank * kProcessBytes;
}
constexpr std::size_t file_bytes(std::size_t ranks) noexcept { return offset_of_process(ranks); }

struct FailureHead {
  std::uint32_t text_bytes;
  std::uint32_t culprits;  // ints, before the text
};

enum class Op : std::uint32_t {
  // Carried out later.
  kPost,
  kBeginPosts,
  kEndPosts,
  kPut,
  kCommit,
  kCharge,
  kCompute,
  kAdvance,
  kWake,
  kLeave,
  kCallBegins,
  kCallEnds,
  kExperts,
  // Answered.
  kSettle,
  kAttach,
  kHostMeeting,
  kJoinMeeting,
  kAllGather,
  kMakeRoster,
  kOpenTransport,
  kCloseTransport,
  kOpenControl,
  kOpenHeap,
  kCosts,
  kStates,
  kFailure,
  kThrowFailure,
  kAbort,
  kPoll,
  kSleep,
  kFlush,
  kView,
  kGet,
  kPark,
  kPass,
  kSpawn,
  kJoinFibre,
  kFinish
};

struct Command {
  Op op;
  std::uint32_t bytes;  // with this and with what follows the body; a multiple of 8
};

enum class Where : std::uint32_t { kControl, kHeap, kProcess };

struct None {};

// Addresses are the calling process's.
struct PutPiece {
  std::uint64_t source;
  std::uint64_t bytes;
  std::uint64_t offset;
};
struct ViewPiece {
  std::int32_t peer;
  std::uint32_t reached;  // the answer
  std::uint64_t offset;
  std::uint64_t bytes;
};
struct FetchPiece {
  std::int32_t peer;
  std::uint32_t zero;
  std::uint64_t destination;
  std::uint64_t bytes;
  std::uint64_t offset;
};

template <Op kTheOp, typename TheReply = None>
struct Body {
  static constexpr Op kOp = kTheOp;
  using Reply = TheReply;
};

struct Post : Body<Op::kPost> {
  std::uint32_t transport;
  std::int32_t peer;
  std::uint64_t value;
  LineId line;
  std::uint32_t zero;
  std::uint64_t stamp;
  std::byte payload[LineContent::kPayloadBytes];
};
struct BeginPosts : Body<Op::kBeginPosts> {
  std::uint32_t transport;
  std::uint32_t zero;
};
struct EndPosts : Body<Op::kEndPosts> {
  std::uint32_t transport;
  std::uint32_t zero;
};
// PutPieces follow.
struct Put : Body<Op::kPut> {
  std::uint32_t transport;
  Where where;
  std::int32_t peer;
  std::uint32_t count;
  std::uint64_t elsewhere;  // 0, or the address of the pieces, which then do not follow
};
struct Commit : Body<Op::kCommit> {
  std::uint32_t transport;
  Where where;
  std::int32_t peer;
  std::uint32_t zero;
  std::uint64_t source;  // 0: the bytes are in place, in the caller's own segment
  std::uint64_t offset;
  std::uint64_t bytes;
};
struct Charge : Body<Op::kCharge> {
  std::uint32_t transport;
  std::uint32_t kind;
  std::uint64_t count;
  std::uint64_t bytes;
};
struct Compute : Body<Op::kCompute> {
  std::int64_t ps;
};
struct Advance : Body<Op::kAdvance> {
  std::int64_t ps;
};
struct Wake : Body<Op::kWake> {
  std::uint64_t fibre;
};
struct Leave : Body<Op::kLeave> {
  std::uint32_t bootstrap;
  std::uint32_t zero;
};
// Of CallFacts; kind, communicator and algorithm follow.
struct CallBegins : Body<Op::kCallBegins> {
  std::uint64_t bytes;
  std::uint64_t sequence;
  std::int32_t ranks;
  std::uint32_t kind_bytes;
  std::uint32_t communicator_bytes;
  std::uint32_t algorithm_bytes;
};
struct CallEnds : Body<Op::kCallEnds> {};
// ExpertRows follow.
struct Experts : Body<Op::kExperts> {
  std::uint64_t count;
};
struct ExpertRows {
  std::int64_t expert;
  std::int64_t rows;
};
struct Settle : Body<Op::kSettle> {};

struct Attached {
  std::uint64_t fibre;
};
struct Attach : Body<Op::kAttach, Attached> {
  std::uint64_t probe;  // the address of a word that shows kMagic: can it be read?
};
struct MeetingId {
  tuttiUniqueId id;
};
struct HostMeeting : Body<Op::kHostMeeting, MeetingId> {};
struct Number {
  std::uint32_t number;
};
struct JoinMeeting : Body<Op::kJoinMeeting, Number> {
  tuttiUniqueId id;
  std::int32_t ranks;
  std::int32_t rank;
  std::int64_t timeout_ns;
};
struct AllGather : Body<Op::kAllGather> {
  std::uint32_t bootstrap;
  std::uint32_t zero;
  std::uint64_t mine;
  std::uint64_t mine_bytes;
  std::uint64_t all;
  std::uint64_t all_bytes;
};
// The ranks' places, ints, follow.
struct MakeRoster : Body<Op::kMakeRoster, Number> {
  std::uint32_t count;
  std::uint32_t zero;
};
struct Opened {
  std::uint32_t transport;
  std::uint32_t charges;
};
struct OpenTransport : Body<Op::kOpenTransport, Opened> {
  std::uint32_t roster;
  std::int32_t rank;
};
struct CloseTransport : Body<Op::kCloseTransport> {
  std::uint32_t transport;
  std::uint32_t by_error;
};
struct ControlFile {
  SharedFileHandle file;
  std::uint64_t stride;
};
struct OpenControl : Body<Op::kOpenControl, ControlFile> {
  std::uint32_t transport;
  std::uint32_t zero;
  ControlSegment segment;
};
// From now on addresses there mean the rank's heap.
struct OpenHeap : Body<Op::kOpenHeap> {
  std::uint64_t address;
};
struct KnownCosts {
  CostFacts facts;
  std::uint64_t count;  // of the groups
};
struct Costs : Body<Op::kCosts, KnownCosts> {
  std::uint32_t transport;
  std::uint32_t zero;
  std::uint64_t groups;  // those of Distances, [kHopClasses * ranks], to fill
};
struct States : Body<Op::kStates> {
  std::uint32_t transport;
  std::uint32_t zero;
  std::uint64_t states;  // [ranks], PeerStates to fill
};
struct Known {
  std::uint32_t there;
};
struct Failure : Body<Op::kFailure, Known> {
  std::uint32_t transport;
  std::uint32_t zero;
};
// The answer is that failure.
struct ThrowFailure : Body<Op::kThrowFailure> {
  std::uint32_t transport;
  std::uint32_t zero;
};
// Culprits and text follow.
struct Abort : Body<Op::kAbort> {
  std::uint32_t transport;
  std::uint32_t code;
  FailureHead head;
};
struct Poll : Body<Op::kPoll> {
  std::uint32_t transport;
  std::uint32_t zero;
};
struct Sleep : Body<Op::kSleep> {
  std::uint32_t transport;
  std::uint32_t seen;
  std::uint64_t bell;  // its place in the control memory
  std::int64_t timeout_ns;
};
struct Flush : Body<Op::kFlush> {
  std::uint32_t transport;
  std::int32_t peer;
  std::int64_t timeout_ns;
};
struct ViewOf : Body<Op::kView> {
  std::uint32_t transport;
  Where where;
  std::uint64_t pieces;  // ViewPieces
  std::uint64_t count;
};
struct Get : Body<Op::kGet> {
  std::uint32_t transport;
  Where where;
  std::uint64_t pieces;  // FetchPieces
  std::uint64_t count;
};
// What is waited for, in words, follows.
struct Park : Body<Op::kPark> {
  std::int64_t deadline_ns;
  std::uint32_t text_bytes;
  std::uint32_t zero;
};
struct Pass : Body<Op::kPass> {
  std::int64_t ns;
};
struct Spawned {
  std::uint64_t fibre;
  std::uint32_t lane;
};
struct Spawn : Body<Op::kSpawn, Spawned> {};
struct JoinFibre : Body<Op::kJoinFibre> {
  std::uint64_t fibre;
};
struct Finish : Body<Op::kFinish> {};

}  // namespace tutti::ub::wire
