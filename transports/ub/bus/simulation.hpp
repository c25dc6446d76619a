// A simulated fabric with a fibre for every rank, from time 0 to the end of all of them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/call_watcher.hpp"
#include "bootstrap/memory_meetings.hpp"
#include "memory/heap.hpp"
#include "transports/ub/bus/core_pace.hpp"
#include "transports/ub/bus/report.hpp"
#include "transports/ub/bus/roster.hpp"
#include "transports/ub/bus/simulated_rank.hpp"
#include "transports/ub/bus/work_costs.hpp"
#include "transports/ub/engine/scheduler_host.hpp"
#include "transports/ub/model/fault_schedule.hpp"
#include "transports/ub/race/race_checker.hpp"

namespace tutti::ub {

// Hears of a run while it goes on. Called between fibres.
class SimulationWatcher {
 public:
  // Nothing more can happen: has something changed that the simulation does not see? Then it may
  // have been told (Simulation::kill), and nobody is said to wait in vain.
  virtual bool outside_changed() = 0;
  // Who waits for whom, a line for each fibre.
  virtual void deadlocked(const std::string& text) = 0;

 protected:
  ~SimulationWatcher() = default;
};

struct SimulationOptions {
  Profile profile;  // load_profile("cloudmatrix384")
  RankPlacement placement;
  FabricOptions fabric;
  JitterOptions jitter;
  Scheduler::Options scheduler;
  bool payload_digest = true;  // see CourierOptions
  bool timing_only = false;    // payload is hollow (Heap::hollow): it takes time, and does not move
  // Keep a RunRecord, of at most so many bytes; 0: none. Times and digests are the same with it.
  std::uint64_t record_bytes = 0;
  std::optional<RaceOptions> races;      // look for them; times and digests are the same with it
  SimulationWatcher* watcher = nullptr;  // outlives the simulation
};

// Used by one thread. Whatever it decides follows from its options and from what the ranks do.
class Simulation final : private SchedulerOwner, private ModelEvents, private NumberedEvents {
 public:
  // tuttiInvalidArgument for what the profile does not have.
  explicit Simulation(SimulationOptions options);
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // The one whose fibre runs; nullptr: none.
  static Simulation* current() noexcept;

  // Runs body(rank) on a fibre for every rank, once. What a body throws is in the report. Ranks
  // that wait for ever are ended before this returns.
  SimulationReport run(const std::function<void(int rank)>& body);

  Scheduler& scheduler() noexcept { return engine_->scheduler; }
  Courier& courier() noexcept { return *courier_; }
  const Topology& topology() const noexcept { return topology_; }
  const FaultSchedule& faults() const noexcept { return faults_; }
  const WorkCosts& costs() const noexcept { return costs_; }
  // nullptr: none is kept. It outlives the run.
  RunRecord* record() noexcept { return record_.get(); }
  // nullptr: nobody looks for races. It outlives the run.
  RaceChecker* races() noexcept { return races_ ? &*races_ : nullptr; }

  // --- From a fibre, for the rank whose fibre it is: its time passes, that of the rank's other
  // streams does not. Ends the fibre if the rank's node has failed.

  // Work that takes other ranks `time`, at this one's pace; not less than `least`, if anything.
  // tuttiSystemError when the record of the run is full.
  void work(Activity what, Picoseconds time, Picoseconds least = {});
  // The same for who goes ahead of its turn: work from `begin`, which is not in the past, until
  // what is returned. No time passes here.
  Picoseconds work_ahead(Picoseconds begin, Activity what, Picoseconds time);
  // What the rank does from now on, on this fibre, has a name in the record, until the next one or
  // the end of it. Takes no time; nothing without a record.
  void begin_mark(std::string name);
  void end_mark();
  // What the user's program computes: so long; as long as the profile's table says for a kernel of
  // this shape; or `percent` of what `body` takes on this machine, after which no run is like
  // another (SimulationReport::deterministic). tuttiInvalidArgument for a negative time, for a
  // kernel or shape that the profile does not have, and for a percentage that is none.
  void compute(Picoseconds time);
  void compute(std::string_view kernel, std::span<const std::int64_t> shape);
  void compute_measured(const std::function<void()>& body, int percent);

  // A rank has ended at its virtual time without having left: its calls end as those of a rank
  // whose node fails, and the others hear of it when the fabric has noticed. From a fibre or an
  // event.
  void kill(int rank);

  // Where its ranks meet with unique ids.
  MemoryMeetings& meetings() noexcept { return meetings_; }
  // Where payload lies that is not moved; nullptr: all is.
  Heap* hollow_heap() noexcept { return hollow_ ? &*hollow_ : nullptr; }
  // Keeps what the ranks of a communicator share.
  void adopt(std::shared_ptr<Roster> roster) { rosters_.push_back(std::move(roster)); }

 private:
  void fibre_failed(FibreId id, const Entity& who, std::exception_ptr why) override;
  void deadlocked(std::span<const ParkedFibre> parked) override;
  void schedule(Picoseconds at, EventTarget& target, std::uint64_t token) override;
  void happen(std::uint32_t number) override;
  void prepare(std::uint32_t number, int pass) const noexcept override;

  void spawn(const std::function<void(int rank)>& body);
  Picoseconds paced(Picoseconds begin, Picoseconds time);
  void note_work(Activity what, Picoseconds begin, Picoseconds end);
  void schedule_ends();
  void end(int rank, const char* why);
  SimulationReport report(Scheduler::End end);
  void note_waiting(std::span<const ParkedFibre> parked);

  const SimulationOptions options_;
  const std::unique_ptr<RunRecord> record_;
  const Topology topology_;
  const FaultSchedule faults_;
  const WorkCosts costs_;
  CorePace pace_;
  MemoryMeetings meetings_;
  std::optional<Heap> hollow_;
  // What the library waits through, and by which a fibre finds its simulation.
  struct Host final : SchedulerHost, SimulatedRank, CallWatcher {
    Simulation& simulation;
    Host(Scheduler& scheduler, Simulation& its) : SchedulerHost(scheduler), simulation(its) {}
    MemoryMeetings* meetings() noexcept override { return &simulation.meetings_; }
    Heap* hollow_heap() noexcept override { return simulation.hollow_heap(); }
    // Who has died waits for nothing any more.
    void park(Nanoseconds deadline, std::string_view what) override {
      SchedulerHost::park(deadline, what);
      if (current_context().kept == 0) {
        simulation.courier_->check_alive(simulation.scheduler().who().rank);
      }
    }
    Fibre spawn(std::function<void()> body) override {
      const Fibre fibre = SchedulerHost::spawn(std::move(body));
      if (simulation.races_) simulation.races_->spawned(fibre);
      return fibre;
    }
    void join(Fibre fibre) override {
      SchedulerHost::join(fibre);
      if (simulation.races_) simulation.races_->joined();
    }
    void tells(const void* object) override {
      if (simulation.races_) simulation.races_->tells(object);
    }
    void hears(const void* object) override {
      if (simulation.races_) simulation.races_->hears(object);
    }
    void gave(const void* data, std::size_t bytes) override {
      if (simulation.races_) simulation.races_->gave(data, bytes);
    }
    void took_back(const void* data, std::size_t bytes) noexcept override {
      if (simulation.races_) simulation.races_->took_back(data, bytes);
    }
    Picoseconds time() override { return simulation.scheduler().now(); }
    void compute(Picoseconds time) override { simulation.compute(time); }
    bool listens() noexcept override { return simulation.record_ != nullptr; }
    void call_begins(const CallFacts& facts) override;
    void call_ends() noexcept override;
    void experts_received(std::span<const int> experts,
                          std::span<const std::int64_t> rows) override;
  };
  // The host keeps the reference to the scheduler, no more.
  struct Engine {
    Host host;
    Scheduler scheduler;
    Engine(Scheduler::Options options, Simulation& simulation)
        : host(reference(), simulation), scheduler((options.host = &host, options), simulation) {}
    Scheduler& reference() noexcept { return scheduler; }
  };
  std::optional<Engine> engine_;  // until run() ends
  std::optional<RaceChecker> races_;
  std::optional<Courier> courier_;
  std::vector<std::shared_ptr<Roster>> rosters_;
  std::vector<FibreId> fibres_;  // [rank]
  std::vector<RankEnd> ends_;
  std::vector<std::string> deadlocks_;
  // A token of the model as the number of an event: the stage, of 16 at most, above this.
  static constexpr unsigned kNumberBits = 27;
  static constexpr std::uint32_t kLargestInNumber = (std::uint32_t{1} << kNumberBits) - 1;
  EventTarget* numbered_ = nullptr;  // whose tokens these are: who asked for an event first

  std::uint64_t model_events_ = 0;
  bool measured_ = false;
  bool ran_ = false;
};

}  // namespace tutti::ub
