// The contract for people who write a transport: write into a peer's memory, then raise a mark
// there; and, where loads reach, read a peer's memory in place.
//
// A transport belongs to one rank of one communicator. It knows no collective. Algorithms choose by
// Access and Path, never by a transport's name. tests/transport/ holds the suite every transport
// passes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tutti/error.hpp>
#include <vector>

namespace tutti {

using Rank = int;
using Nanoseconds = std::chrono::nanoseconds;

// How this rank reaches a peer's memory.
struct Access {
  bool views = false;         // loads reach: Window::view gives the peer's bytes
  bool stores = false;        // stores reach: Window::reach gives a place to write
  bool gets = false;          // Window::get reads any memory of the peer (WindowKind::kProcess)
  bool puts = false;          // Window::put writes any memory of the peer (WindowKind::kProcess)
  bool shared_words = false;  // Window::fetch_add, and views of lines that a third rank posted
  bool reads_wait = false;    // a view or get takes a way there and back: ask for many in one call
  bool needs_progress = false;  // transfers advance only while somebody calls progress()
  bool ordered = false;         // puts and posts to one peer arrive in the order of the calls
};

// How far a peer is, for selection.
struct Path {
  int hop_class =
      0;  // 0 self, 1 same process, 2 same host and node, 3 same host, 4 and up: networks
  double latency_ns = 0;         // of a small write, until it is there
  double bytes_per_ns = 0;       // of long writes
  double read_latency_ns = 0;    // of a small view or get, there and back
  double read_bytes_per_ns = 0;  // of long ones
};

// What travels with a line beside its value: a stamp and up to 48 bytes.
struct alignas(16) LineContent {
  static constexpr std::size_t kPayloadBytes = 48;
  std::byte payload[kPayloadBytes];
  std::uint64_t stamp = 0;
};

// One cache line with one writer. The value is stored last, with release; who reads it with acquire
// also sees the content, and every earlier put, commit, store and post of the writer to that rank.
struct alignas(64) Line {
  std::atomic<std::uint64_t> value;
  std::uint64_t stamp;
  std::byte payload[LineContent::kPayloadBytes];
};
static_assert(sizeof(Line) == 64);

using LineId = std::uint32_t;  // index of a line in the line area of a segment

// Where a rank that sleeps is rung, and where it is told of trouble; written by every rank. A
// control segment starts with two: the rank's own, and one that is shared by all ranks on rank 0's
// segment.
struct alignas(64) Doorbell {
  std::atomic<std::uint32_t> ring;      // incremented by who rings; the futex word
  std::atomic<std::uint32_t> sleepers;  // threads of the owner that announced to sleep
  std::atomic<std::uint32_t> alarm;     // non-zero: ask Transport::failure and Transport::alive
};
static_assert(sizeof(Doorbell) == 64);

// What a window is over: memory that the communicator owns and every transport in use serves.
enum class WindowKind : std::uint8_t {
  kHeap,    // the process's shareable heap; all of it, its free parts untouched
  kProcess  // the whole address space: offsets are addresses. Loads and stores of ranks of this
            // process reach it; gets of others where Access::gets, and puts where Access::puts
};

// This rank's segment of a control window, made by the transport and zeroed; of the same size on
// every rank.
struct ControlSegment {
  std::size_t bytes = 0;
  // The leading part, doorbells, lines and counters; the rest is staging.
  std::size_t line_bytes = 0;
  // The beginning of that: what a rank touches of every peer, whatever the operation.
  std::size_t front_bytes = 2 * sizeof(Doorbell);
};

// A piece of a put: `source` goes to `offset` in the peer's segment.
struct Piece {
  std::span<const std::byte> source;
  std::size_t offset = 0;
};

// A piece of a get: as many bytes as `destination` has, from `offset` of the peer's segment.
struct Fetch {
  Rank peer = 0;
  std::span<std::byte> destination;
  std::size_t offset = 0;
};

// A piece of a peer's segment to read in place, and where view() has found it. No initializers:
// lists of it are made where eight bytes take 90 ns.
struct View {
  Rank peer;
  std::size_t offset;
  std::size_t bytes;
  const std::byte* data;  // nullptr: loads do not reach it
};

// A window: every rank of the communicator holds one segment of it. Offsets beyond a segment, or
// beyond what the peer's heap ever gave out, are the peer's mistake: an empty span, never a fault.
class Window {
 public:
  virtual ~Window() = default;

  // This rank's own segment.
  virtual std::span<std::byte> local() noexcept = 0;

  // Peers' bytes to read in place: sets `data` of each piece. Where that takes time
  // (Access::reads_wait) all pieces are on their way at once, adjacent ones of one peer as one
  // transfer, and the call returns when the last is there.
  //
  // What is found there can be read until its owner writes there again, which is a matter of lines
  // between the two: one that said the bytes are ready, and one that says they have been read. The
  // call pays for one pass over the bytes; who goes over more than its caches hold once more asks
  // once more.
  virtual void view(std::span<View> pieces) = 0;
  // One piece; empty where loads do not reach.
  std::span<const std::byte> view(Rank peer, std::size_t offset, std::size_t bytes) {
    View piece{.peer = peer, .offset = offset, .bytes = bytes, .data = nullptr};
    view({&piece, 1});
    return {piece.data, piece.data != nullptr ? bytes : 0};
  }

  // The peer's bytes to write in place; empty where stores do not reach. commit() makes them
  // visible to the peer with the next post.
  virtual std::span<std::byte> reach(Rank peer, std::size_t offset, std::size_t bytes) = 0;
  virtual void commit(Rank peer, std::size_t offset, std::size_t bytes) = 0;

  // Copies pieces into the peer's segment; visible there with the next post. Sources are free again
  // after flush(). False: queues are full, nothing of it was taken; call Transport::progress and
  // repeat.
  virtual bool put(Rank peer, std::span<const Piece> pieces) = 0;

  // Copies peers' bytes into this rank's memory; they are there when it returns. Pieces are on
  // their way as those of view() are. Where neither loads nor Access::gets reach:
  // tuttiInternalError; memory that is not there, and a peer that has died: tuttiSystemError. An
  // error that concerns a peer names it.
  virtual void get(std::span<const Fetch> pieces) = 0;

  // Returns when the sources of this rank's puts to `peer` are free again.
  virtual void flush(Rank peer, Nanoseconds timeout) = 0;
};

// A window with doorbells, lines and counters in its leading part.
class ControlWindow : public Window {
 public:
  // Fills line `line` of the peer's segment and rings its doorbell. Never blocks. `peer` may be
  // this rank.
  virtual void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content) = 0;

  // Between these the rank does nothing by which it could notice others: it posts, puts to this
  // window and others, and charges (Transport::charge). A simulated bus need not give others their
  // turns in between. end_posts() comes before whatever follows, a wait for a credit or an error
  // too; without a begin_posts() it does nothing. Only called where Transport::settles().
  virtual void begin_posts() {}
  virtual void end_posts() {}

  // Access::shared_words: fills line `line` of rank 0's segment, which every rank reads through
  // lines(0), and rings the shared doorbell: one call wakes all who sleep on it.
  virtual void post_all(LineId line, std::uint64_t value, const LineContent& content) = 0;

  // The lines of a peer as this rank sees them (Access::shared_words), nullptr elsewhere.
  virtual const Line* lines(Rank peer) noexcept = 0;

  // Access::shared_words: adds to the 64-bit word at `offset` of the peer's segment, acquire and
  // release, and returns what it was before.
  virtual std::uint64_t fetch_add(Rank peer, std::size_t offset, std::uint64_t delta) = 0;
};

// Time as this rank sees it: the machine's steady clock, or virtual.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanoseconds now() noexcept = 0;
};

// Where a transport stands with a peer.
enum class PeerState : std::uint8_t {
  kAlive,
  kLeft,  // it destroyed its communicator
  kDead   // its process ended without that
};

class ChannelWatch;

// How a rank waits for a mark.
enum class Waiting : std::uint8_t {
  kSpin,   // a core of its own: looks for a while before it sleeps
  kYield,  // more ranks than cores on this host: gives the core away after each look
  kPark    // ranks are fibres of one thread: looks, then sleeps, since nothing comes while it runs
};

// What a rank does itself, beside what it sends. On a real machine it takes its time; a simulated
// bus is told (Transport::charge). Moving a peer's bytes is charged by view and get, and by who
// puts: a pass over what a view has just brought is part of that view.
struct LocalWork {
  enum class Kind : std::uint8_t {
    kEntry,     // an operation begins
    kSync,      // the rank's cores wait for each other, before a mark that stands for all of them
    kLoad,      // `count` tokens of `bytes` each are read, one by a core at a time
    kQuantise,  // the same, and each is quantised while its core reads the next one
    kCounts,    // `count` peers' counts are taken into a prefix sum
    kLooks,     // `count` words that cores wait for are looked at: flags, entries of a routing
    kCopy,      // `bytes` are copied or gathered within the rank's memory
    kReduce     // `bytes` of input, all sources together, are added up
  };
  struct Tokens {
    std::size_t count = 0;
    std::size_t bytes = 0;  // of each
  };

  static constexpr LocalWork entry() noexcept { return {Kind::kEntry, 1, 0}; }
  static constexpr LocalWork sync() noexcept { return {Kind::kSync, 1, 0}; }
  static constexpr LocalWork load(Tokens tokens) noexcept {
    return {Kind::kLoad, tokens.count, tokens.bytes};
  }
  static constexpr LocalWork quantise(Tokens tokens) noexcept {
    return {Kind::kQuantise, tokens.count, tokens.bytes};
  }
  static constexpr LocalWork counts(std::size_t peers) noexcept {
    return {Kind::kCounts, peers, 0};
  }
  static constexpr LocalWork looks(std::size_t words) noexcept { return {Kind::kLooks, words, 0}; }
  static constexpr LocalWork copy(std::size_t bytes) noexcept { return {Kind::kCopy, 1, bytes}; }
  static constexpr LocalWork reduce(std::size_t bytes) noexcept {
    return {Kind::kReduce, 1, bytes};
  }

  Kind kind;
  std::size_t count;
  std::size_t bytes;
};

// What a transport knows beforehand of the time that things take: for models of algorithms, which
// choose by it. Idle ports and cores, at the usual pace. The same answers on every rank, so that
// all choose alike.
class Costs {
 public:
  virtual ~Costs() = default;

  // As Transport::path(to) on rank `from`.
  virtual Path path(Rank from, Rank to) const noexcept = 0;
  // Nanoseconds: what charge(work) makes pass.
  virtual double work_ns(const LocalWork& work) const noexcept = 0;
  // Nanoseconds that a post() along that path keeps its caller.
  virtual double post_ns(const Path& path) const noexcept = 0;
  // A rank's cores start rows - a piece of a put, commit, view or get, a line - one after another.
  // Nanoseconds until the last of `rows` starts that are wanted at once.
  virtual double issue_ns(std::size_t rows) const noexcept = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  virtual std::string_view name() const noexcept = 0;
  virtual Access access(Rank peer) const noexcept = 0;
  virtual Path path(Rank peer) const noexcept = 0;

  // Collective, in the same order on every rank. Shortage of memory is an Error on every rank.
  virtual std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment) = 0;
  virtual std::unique_ptr<Window> open_window(WindowKind kind) = 0;

  // Moves transfers forward where Access::needs_progress; otherwise does nothing.
  virtual void progress() = 0;

  // Sleeps until `bell` no longer shows `seen`, somebody rings it, or the timeout passes; with
  // Waiting::kPark gives up the fibre's turn for that. The caller has announced itself in
  // Doorbell::sleepers and re-checked its lines after that (waiter.cpp).
  virtual void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) = 0;
  // Orders the announcement before the re-check, against posters: the sleeper's half of the
  // handshake whose other half is in post().
  virtual void announce_fence() noexcept = 0;

  virtual Clock& clock() noexcept = 0;

  virtual PeerState peer_state(Rank peer) const noexcept = 0;

  // Marks the communicator as failed for every rank that can be told, and wakes all who wait. The
  // first error wins; failure() returns it on every rank that it reached, the same text everywhere.
  virtual void abort(const Error& error) noexcept = 0;
  virtual std::optional<Error> failure() const = 0;

  // The same on every rank.
  virtual Waiting waiting() const noexcept = 0;
  bool crowded() const noexcept { return waiting() == Waiting::kYield; }

  // May posts, puts and charges of this rank be carried out later than they are called, as long as
  // it cannot notice? Asked once: then whoever is about to look at lines or doorbells, and has
  // called nothing that waits or tells the time since, calls settle() first.
  virtual bool settles() const noexcept { return false; }
  // What this rank has called has been carried out, and what came meanwhile can be seen.
  virtual void settle() noexcept {}

  // An operation of this rank is over. Where Access::needs_progress: what it has sent leaves
  // without this rank's calls, or has left; from any thread.
  virtual void complete() noexcept {}

  // Does work take time that nobody spends? Asked once: where it does not, nobody calls charge().
  virtual bool charges() const noexcept { return false; }
  // The caller has done `work`; where time is virtual, it passes now. Called after the work and
  // before anybody is told of it. A scheduling point of a fibre, from which it may be unwound.
  virtual void charge(const LocalWork&) {}

  // Memory of the library that a failed operation has lent: puts and gets may read it until this
  // transport's destructor has run. From any thread; nothing is allocated.
  struct Lent {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };
  using Kept = std::list<Lent>;
  void keep(Kept&& bytes) noexcept {
    const std::lock_guard lock(keeping_);
    kept_.splice(kept_.end(), bytes);
  }
  // How much that is.
  std::size_t kept_bytes() const noexcept {
    const std::lock_guard lock(keeping_);
    std::size_t bytes = 0;
    for (const auto& lent : kept_) bytes += lent.size;
    return bytes;
  }

  // Memory of this process, outside of the heap, that will be sent from and received into often,
  // and stays where it is between the two calls: a network registers it once. A range may be
  // announced several times, and is withdrawn as often.
  virtual void announce_memory(std::span<std::byte>) {}
  virtual void withdraw_memory(std::span<std::byte>) noexcept {}

  // Who is told what the library does with memory and lines; nullptr: nobody. Asked once.
  virtual ChannelWatch* watch() noexcept { return nullptr; }

  // nullptr: nobody knows, and algorithms are chosen by what was measured. Valid as long as the
  // transport.
  virtual const Costs* costs() const noexcept { return nullptr; }

  // Do segments take memory only where they are touched, all by one process? Then staging may be
  // generous, and lines lie as they are read. The same on every rank.
  virtual bool sparse_segments() const noexcept { return false; }

 private:
  mutable std::mutex keeping_;
  Kept kept_;
};

// A transport that connects hosts, beside which another one reaches the ranks of each host.
class NetworkTransport : public Transport {
 public:
  using Transport::open_control;
  // `memory`: this rank's segment, zeroed, that the other transport has made and owns together with
  // this one: ranks of this host write there too, and ring its bells by their futex. nullptr: as
  // open_control(segment).
  virtual std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment,
                                                      std::shared_ptr<std::byte> memory) = 0;
};

}  // namespace tutti
