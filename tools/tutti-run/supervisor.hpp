// Runs the ranks: starts them, passes signals and output on, ends the others when one fails.
#pragma once

#include <poll.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tutti/transport.hpp>
#include <vector>

#include "base/descriptor.hpp"
#include "binding.hpp"
#include "bootstrap/meeting.hpp"
#include "fabric/fabric_world.hpp"
#include "options.hpp"
#include "ranks.hpp"

namespace tutti::launcher {

// Needs block_signals() and adopt_orphans() before.
class Supervisor {
 public:
  // masks[r]: where rank r runs (binding.hpp).
  Supervisor(const Options& options, std::vector<ProcessorMask> masks, Descriptor guard_alive);

  // The launcher's exit code. Nothing that the ranks started runs any more when it returns.
  int run();

 private:
  using Clock = std::chrono::steady_clock;
  // How a world ends when a rank has failed or the time is over: a moment to see which ranks fail
  // together, patience, SIGTERM, SIGKILL.
  enum class Phase { kRunning, kSettling, kWaiting, kTerminated, kKilled };

  bool start_all();
  void watch();
  int milliseconds_to_next_step() const;
  void take_step_when_due();
  std::unique_ptr<Ranks> make_ranks(std::vector<ProcessorMask> masks);
  void handle_signals();
  [[noreturn]] void leave(int signal);
  void note_ends();
  void note_failure();
  void note_end(const RankEnd& end);
  void announce_failure();
  void await_fabric();
  void end_fabric();
  void enter(Phase phase, Clock::duration time);

  const Options options_;
  const Descriptor guard_alive_;
  const Descriptor signals_;
  // Where ranks meet: here, so that it survives a dead rank 0.
  std::unique_ptr<Meeting> meeting_;     // of real ranks
  std::unique_ptr<FabricWorld> fabric_;  // of simulated ones
  std::unique_ptr<Ranks> ranks_;
  std::optional<RankEnd> failure_;  // the one that the launcher answers with
  Phase phase_ = Phase::kRunning;
  std::optional<Clock::time_point> next_step_;
  bool guard_died_ = false;
  bool given_up_ = false;  // on processes that do not end
  bool failed_ = false;    // the run has, apart from its ranks
  bool fabric_over_ = false;
  int exit_code_ = 0;
};

}  // namespace tutti::launcher
