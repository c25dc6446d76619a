// The rank that this process is, in a simulation that tutti-run hosts (tutti-run --fabric). The
// library waits, spawns and tells the time through it as on a fibre; the simulation has a fibre for
// each of its threads and lets one process run at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/call_watcher.hpp"
#include "base/fibre_host.hpp"
#include "base/mapping.hpp"
#include "base/process.hpp"
#include "bootstrap/memory_meetings.hpp"
#include "memory/heap.hpp"
#include "transports/ub/bus/simulated_rank.hpp"
#include "transports/ub/processes/client_lane.hpp"

namespace tutti::ub {

// Where ranks that are processes meet: in the simulation's memory.
class ProcessMeetings final : public MemoryMeetings {
 public:
  tuttiUniqueId host() override;
  std::unique_ptr<Bootstrap> join(const tuttiUniqueId& id, int ranks, Rank rank,
                                  Nanoseconds timeout) override;
};

// Made when the library is loaded into a process that tutti-run has told of a simulation; the
// process becomes the rank with its first call. The thread that loads the library is the rank's;
// threads that the library starts are its streams; others have no part in it, and their calls are
// refused. Lives until the process ends.
class ProcessRank final : public FibreHost, public SimulatedRank, public CallWatcher {
 public:
  // Of the thread that calls; nullptr: it is no part of a simulation.
  static ProcessRank* if_any() noexcept;
  // The same; tuttiInvalidUsage where there is none.
  static ProcessRank& of_caller();

  explicit ProcessRank(std::string world);
  // The thread that calls is the rank's.
  void become() noexcept;
  // The process exits, and calls no more.
  void leave() noexcept;

  // Of the thread that calls. tuttiInvalidUsage in a forked child, and where another process is
  // this rank; tuttiSystemError where the simulation cannot be reached.
  ClientLane& lane();
  // How often the simulation has answered: nothing that others do becomes visible between two.
  std::uint64_t answers() const noexcept { return process_->answers; }
  int rank() const noexcept { return rank_; }
  // The heap of the simulation's rank `place`, this process's or another's; attached.
  std::byte* heap(int place) const noexcept {
    return heaps_.data() + static_cast<std::size_t>(place) * heap_stride_;
  }
  std::size_t heap_reserve() const noexcept { return heap_reserve_; }
  bool is_hollow(const void* place) const noexcept {
    return hollow_.has_value() && hollow_->contains(place, 0);
  }

  // The same for all ranks of a simulation, and for no other.
  std::uint64_t world() const noexcept { return world_inode_; }

  Nanoseconds now() noexcept override { return std::chrono::floor<Nanoseconds>(exact_now()); }
  Picoseconds exact_now() noexcept;
  Fibre current() override;
  void park(Nanoseconds deadline, std::string_view what) override;
  void pass(Nanoseconds time) override;
  // Whoever ends the simulation ends the process.
  bool ending() noexcept override { return false; }
  void wake(Fibre fibre) override;
  Fibre spawn(std::function<void()> body) override;
  void join(Fibre fibre) override;
  MemoryMeetings* meetings() noexcept override { return &meetings_; }
  Heap* hollow_heap() noexcept override;

  Picoseconds time() override { return exact_now(); }
  void compute(Picoseconds time) override;

  bool listens() noexcept override;
  void call_begins(const CallFacts& facts) override;
  void call_ends() noexcept override;
  void experts_received(std::span<const int> experts, std::span<const std::int64_t> rows) override;

 private:
  // A thread of the process; ThreadContext::lane points to it.
  struct Thread {
    ClientLane lane;
    Fibre fibre = 0;
  };

  void attach();
  // Of this process.
  static HeapPlace own_heap();

  const std::string address_;  // of the world, from the environment
  const int generation_ = process_generation();
  int rank_ = -1;
  std::uint64_t world_inode_ = 0;
  Mapping mapping_;
  Mapping heaps_;  // of all ranks, and hollow memory; what is touched counts
  SharedFileHandle heaps_file_;
  std::size_t heap_stride_ = 0;
  std::size_t heap_reserve_ = 0;
  std::optional<Heap> hollow_;
  bool records_ = false;              // the simulation keeps what calls are made
  wire::Process* process_ = nullptr;  // nullptr: not attached yet
  wire::Lane* lanes_ = nullptr;
  std::unique_ptr<Thread> first_;
  ProcessMeetings meetings_;
  std::map<Fibre, std::thread> threads_;
};

}  // namespace tutti::ub
