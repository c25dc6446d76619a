// Two pinned processes and the memory they share: what every raw loop runs on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace tutti::raw {

constexpr std::size_t kBufferBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxSamples = 1000;

struct alignas(64) Line {
  std::atomic<std::uint64_t> value{0};
  std::atomic<std::uint64_t> payload{0};  // travels with `value`: stored before it, loaded after it
};

// One rank's part of the shared memory; written by that rank, except `out`, which two-shot loops of
// the other rank also store into.
struct Segment {
  alignas(128) Line lines[2];  // two, so that a payload is not overwritten before it was read
  alignas(128) std::uint64_t batch;
  std::uint64_t go_on;
  double sample_us[kMaxSamples];
  alignas(4096) std::byte in[kBufferBytes];
  std::byte out[kBufferBytes];
  std::byte staging[kBufferBytes];
};

// What one of the two processes holds.
class Side {
 public:
  Side(int rank, Segment* both, int peer_pid)
      : rank_(rank), mine_(&both[rank]), theirs_(&both[1 - rank]), peer_pid_(peer_pid) {}

  int rank() const { return rank_; }
  Segment& mine() const { return *mine_; }
  Segment& theirs() const { return *theirs_; }
  Segment& of(int rank) const { return rank == rank_ ? *mine_ : *theirs_; }

  // Each side writes its own line and waits for the other's: a barrier of two that carries 8 bytes.
  std::uint64_t exchange(std::uint64_t payload = 0) {
    const std::uint64_t sequence = ++sequence_;
    Line& line = mine_->lines[sequence & 1];
    line.payload.store(payload, std::memory_order_relaxed);
    line.value.store(sequence,
                     std::memory_order_release);  // pairs with the acquire below, other side
    const Line& other = theirs_->lines[sequence & 1];
    for (std::uint64_t spins = 0; other.value.load(std::memory_order_acquire) < sequence;) {
      if (++spins % (1u << 22) == 0) check_peer();
    }
    return other.payload.load(std::memory_order_relaxed);
  }

  // Copies from an address in the other process by process_vm_readv; throws std::runtime_error.
  void read_theirs(std::byte* to, std::uint64_t address, std::size_t bytes) const;
  // Whether the kernel lets both processes do that. Called by both at once.
  bool both_can_read();

 private:
  void check_peer() const;  // throws when the other process is gone

  int rank_;
  Segment* mine_;
  Segment* theirs_;
  int peer_pid_;
  std::uint64_t sequence_ = 0;
};

struct Cores {
  int first = -1, second = -1;
};

// Two CPUs of different cores that this process may use. Throws std::runtime_error if there are
// none.
Cores pick_cores();

// Runs `body` on both sides, rank 0 in this process and rank 1 in a child, each pinned to its core.
// Throws what rank 0 throws, or std::runtime_error if the child failed.
void run_pair(const Cores& cores, const std::function<void(Side&)>& body);

}  // namespace tutti::raw
