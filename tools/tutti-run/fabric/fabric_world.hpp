// A simulated fabric whose ranks are processes: a thread runs the simulation, and serves one of
// them at a time.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/sim/pictures.hpp"
#include "base/descriptor.hpp"
#include "base/mapping.hpp"
#include "served_rank.hpp"

namespace tutti::launcher {

class FabricWorld final : private ServedWorld, private ub::SimulationWatcher {
 public:
  struct Outcome {
    ub::SimulationReport report;
    // How often a process gave up its turn.
    std::uint64_t hand_offs = 0;
    // What ended the run before its ranks did; empty: nothing.
    std::string trouble;
    // Why it could not be shown; empty: it was, or nobody asked.
    std::string not_shown;
  };

  // Makes the simulation; throws what that throws. `pictures`: to fill when the run has ended.
  // `silence`: how long a process may have its turn and not come to Tutti.
  FabricWorld(ub::SimulationOptions options, api::Pictures pictures,
              std::chrono::milliseconds silence);
  // Stops the run.
  ~FabricWorld();

  // For the environment of a rank, and where all of them meet.
  std::string address_for(Rank rank) const;
  const tuttiUniqueId& id() const noexcept { return id_; }
  int ranks() const noexcept { return ranks_; }

  // Ranks have been started, as these processes.
  void begin(std::vector<pid_t> started);
  // From any thread: the process that was started as a rank has ended.
  void note_end(Rank rank) noexcept;
  // Readable when the run is over.
  int over() const noexcept { return over_.get(); }
  // Waits for that; once.
  Outcome finish();

 private:
  struct Attached {
    int pid = 0;
    Descriptor watch;  // a pidfd, of a process that was not started by us itself
  };

  void run(std::promise<void> made);
  void make_world();
  void simulate();
  std::string trouble_of_ranks() const;
  [[noreturn]] void end_run(const std::string& trouble);
  bool has_ended(std::size_t rank) const;
  bool bury_the_dead(int but);

  ub::Simulation& simulation() override { return *simulation_; }
  RankMemories& memories() override { return memories_; }
  std::vector<ServedRoster>& rosters() override { return rosters_; }
  ub::wire::Process& process(int rank) override;
  void attached(int rank, int pid) override;
  bool await(int rank, ub::wire::Lane& lane) override;
  void end_process(int rank) override;
  bool outside_changed() override { return bury_the_dead(-1); }
  void deadlocked(const std::string& text) override;

  ub::SimulationOptions options_;
  api::Pictures pictures_;
  const int ranks_;
  const std::chrono::milliseconds silence_;
  Descriptor file_;
  Mapping mapping_;
  Descriptor heaps_file_;
  Mapping heaps_;
  Descriptor over_;
  tuttiUniqueId id_{};

  // Of the thread of the simulation, from begin() on.
  RankMemories memories_;
  std::vector<std::unique_ptr<ServedRank>> served_;
  std::optional<ub::Simulation> simulation_;
  std::vector<ServedRoster> rosters_;
  std::vector<Attached> attached_;
  std::vector<pid_t> started_;
  std::uint64_t ends_seen_ = 0;
  Outcome outcome_;

  std::unique_ptr<std::atomic<bool>[]> ended_;  // [rank]
  std::atomic<std::uint64_t> ends_{0};
  std::atomic<ub::wire::Lane*> awaited_{nullptr};
  std::atomic<bool> stopped_{false};
  std::promise<bool> begin_;  // false: never
  bool begun_ = false;
  std::thread thread_;
};

}  // namespace tutti::launcher
