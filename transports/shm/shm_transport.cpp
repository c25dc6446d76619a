#include "transports/shm/shm_transport.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/futex.hpp"
#include "base/log.hpp"
#include "memory/heap.hpp"
#include "topology/host_identity.hpp"
#include "topology/placement.hpp"
#include "topology/processors.hpp"
#include "transports/shm/foreign_memory.hpp"
#include "transports/shm/process_window.hpp"

namespace tutti::shm {

namespace {

// What each rank tells the others before they share memory.
struct Hello {
  HostIdentity host;
  ProcessToken process;
  std::int32_t pid;
  std::int32_t has_membarrier;
  SharedFileHandle heap;
  std::uintptr_t heap_address;   // where it lies in that process
  std::uintptr_t token_address;  // where `process` lies in that process
  ProcessorShare processors;
  std::int32_t node;  // the NUMA node that this rank cannot leave; -1: there is none
};

bool register_membarrier() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

}  // namespace

ShmTransport::ShmTransport(Bootstrap& bootstrap, DeathWatch deaths)
    : bootstrap_(bootstrap), rank_(bootstrap.rank()), deaths_(deaths) {
  Hello mine{};
  mine.host = host_identity();
  mine.process = process_token();
  mine.token_address = reinterpret_cast<std::uintptr_t>(&mine.process);
  mine.pid = ::getpid();
  mine.has_membarrier = register_membarrier();
  mine.heap = Heap::of_this_process().handle();
  mine.heap_address = reinterpret_cast<std::uintptr_t>(Heap::of_this_process().base());
  mine.processors = processor_share();
  mine.node = memory_nodes() > 1 ? node_of(mine.processors.allowed) : 0;
  const std::vector<Hello> hellos = all_gather_value(bootstrap, mine);

  std::vector<ProcessorShare> shares;
  for (Rank peer = 0; peer < bootstrap.ranks(); ++peer) {
    const Hello& hello = hellos[static_cast<std::size_t>(peer)];
    if (!(hello.host == mine.host)) {
      fail_because_of(
          {bootstrap.name_of(peer)}, tuttiInvalidUsage,
          "rank {} is on another host than rank {}: transport shm reaches one host only",
          bootstrap.name_of(peer), bootstrap.name_of(rank_));
    }
    shares.push_back(hello.processors);
    fenced_ = fenced_ || hello.has_membarrier == 0;
    peers_.push_back({hello.process,
                      hello.pid,
                      {hello.heap, hello.heap_address, hello.process == mine.process},
                      hello.node});
  }
  std::vector<std::uintptr_t> tokens;
  tokens.reserve(hellos.size());
  for (const Hello& hello : hellos) tokens.push_back(hello.token_address);
  gets_ = try_gets(tokens);
  const int cores = processors_together(shares);
  if (bootstrap.ranks() > cores) waiting_ = Waiting::kYield;
  fenced_ = fenced_ || crowded();
  TUTTI_INFO(kShm, "{} ranks on {} cores: {}; private buffers of other processes are {}",
             bootstrap.ranks(), cores,
             crowded() ? "waiting gives the core away" : "waiting spins first",
             gets_ ? "read by the kernel" : "copied through staging");
}

// One after me in the ring of ranks, so that every border between users or containers is tried in
// both directions. What is read must be that process's token: a pid may mean another process here.
bool ShmTransport::try_gets(const std::vector<std::uintptr_t>& tokens) const {
  bool good = true;
  const int ranks = bootstrap_.ranks();
  for (int i = 1; i < ranks; ++i) {
    const auto peer = static_cast<std::size_t>((rank_ + i) % ranks);
    if (peers_[peer].heap.this_process) continue;
    ProcessToken token;
    const Fetch fetch{.peer = static_cast<Rank>(peer),
                      .destination = std::as_writable_bytes(std::span(&token, 1)),
                      .offset = tokens[peer]};
    try {
      read_foreign(peers_[peer].pid, {&fetch, 1});
      good = token == peers_[peer].process;
    } catch (const Error& error) {
      TUTTI_INFO(kShm, "{}", error.what());
      good = false;
    }
    break;
  }
  const std::vector<std::uint8_t> all = all_gather_value(bootstrap_, std::uint8_t{good});
  return std::all_of(all.begin(), all.end(), [](std::uint8_t each) { return each != 0; });
}

ShmTransport::~ShmTransport() {
  watch_.reset();
  if (memory_) memory_->mark(rank_, PeerState::kLeft);
}

Path ShmTransport::path(Rank peer) const noexcept {
  // Measured on two cores of one L3: a flag crosses in about 55 ns, a core copies about 20
  // bytes/ns. How much longer it is to another node is not known here.
  constexpr double kFlagNs = 55;
  constexpr double kCopy = 20;
  if (peer == rank_) return {.hop_class = 0, .bytes_per_ns = kCopy, .read_bytes_per_ns = kCopy};
  const Peer& there = peers_[static_cast<std::size_t>(peer)];
  const bool same_node =
      there.node >= 0 && there.node == peers_[static_cast<std::size_t>(rank_)].node;
  return {.hop_class = there.heap.this_process ? 1
                       : same_node             ? 2
                                               : 3,
          .latency_ns = kFlagNs,
          .bytes_per_ns = kCopy,
          .read_latency_ns = kFlagNs,
          .read_bytes_per_ns = kCopy};
}

std::unique_ptr<ControlWindow> ShmTransport::open_control(const ControlSegment& segment) {
  memory_ = std::make_shared<ControlMemory>(bootstrap_, segment);
  std::vector<int> pids;
  bool others = false;
  for (const Peer& peer : peers_) {
    pids.push_back(peer.pid);
    others = others || !peer.heap.this_process;
  }
  if (others && deaths_ == DeathWatch::kHere)
    watch_ = std::make_unique<LivenessWatch>(memory_, std::move(pids));
  return std::make_unique<ShmControl>(memory_, rank_, fenced_);
}

std::unique_ptr<Window> ShmTransport::open_window(WindowKind kind) {
  if (kind == WindowKind::kHeap) {
    std::vector<PeerHeap> heaps;
    heaps.reserve(peers_.size());
    for (const Peer& peer : peers_) heaps.push_back(peer.heap);
    return std::make_unique<HeapWindow>(rank_, heaps, gets_);
  }
  std::vector<ProcessWindow::Peer> peers;
  peers.reserve(peers_.size());
  for (const Peer& peer : peers_) peers.push_back({peer.pid, peer.heap.this_process});
  return std::make_unique<ProcessWindow>(std::move(peers));
}

void ShmTransport::sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) {
  futex_wait(bell.ring, seen, timeout);
}

// With `fenced_` every poster pays a full fence between its line and its look at sleepers, and the
// sleeper's locked add is its half. Otherwise posters pay nothing and the sleeper, who has time,
// makes every core of the communicator's processes pass a barrier.
void ShmTransport::announce_fence() noexcept {
  if (!fenced_) ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

PeerState ShmTransport::peer_state(Rank peer) const noexcept { return memory_->state(peer); }

void ShmTransport::abort(const Error& error) noexcept { memory_->record(error); }

std::optional<Error> ShmTransport::failure() const {
  // Called by who waits long or hears the alarm: the moment to notice that the leader has left.
  if (watch_) watch_->refresh();
  return memory_->recorded();
}

}  // namespace tutti::shm
