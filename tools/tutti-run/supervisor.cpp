// One poll loop over signals, the guard and the ranks' output.
#include "supervisor.hpp"

#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/error.hpp"
#include "bootstrap/rank_names.hpp"
#include "bootstrap/unique_id.hpp"
#include "descendants.hpp"
#include "fabric/fabric_run.hpp"
#include "rank_process.hpp"
#include "signals.hpp"
#include "transports/ub/processes/wire.hpp"

namespace tutti::launcher {

namespace {

// The survivors of a killed rank may fail, and be reaped, before it: a killed rank that is seen
// this soon after the first failure is taken for the cause.
constexpr std::chrono::milliseconds kSettling{100};

Descriptor open_signals() {
  const sigset_t set = handled_signals();
  Descriptor descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) fail_system("signalfd");
  return descriptor;
}

// Makes room for one connection per rank to the meeting, and with --prefix two pipes per rank.
// Returns the limit that the user set.
rlimit raise_descriptor_limit(const Options& options) {
  constexpr rlim_t kOthers = 32;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlim_t needed = static_cast<rlim_t>(options.ranks) * (options.prefix ? 3 : 1) + kOthers;
  if (before.rlim_cur >= needed) return before;
  const rlimit raised{std::min(needed, before.rlim_max), before.rlim_max};
  if (raised.rlim_cur < needed || ::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    fail(tuttiSystemError, "{} ranks{} need {} descriptors, the limit is {} (ulimit -n)",
         options.ranks, options.prefix ? " with --prefix" : "", needed, before.rlim_max);
  }
  return before;
}

std::string describe(Rank rank, int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return fmt::format("rank {} was killed by signal {} ({})", rank, signal, ::strsignal(signal));
  }
  return fmt::format("rank {} exited with code {}", rank, WEXITSTATUS(wait_status));
}

}  // namespace

Supervisor::Supervisor(const Options& options, std::vector<ProcessorMask> masks,
                       Descriptor guard_alive)
    : options_(options),
      masks_(std::move(masks)),
      guard_alive_(std::move(guard_alive)),
      signals_(open_signals()) {
  if (options_.fabric.given()) {
    fabric_ = open_fabric(options_);
  } else {
    meeting_ = std::make_unique<Meeting>();
  }
}

int Supervisor::run() {
  if (start_all()) {
    watch();
    if (fabric_ != nullptr && !fabric_over_ && running_.empty()) {
      await_fabric();
      end_fabric();
    }
  }
  if (!kill_descendants()) {
    fmt::print(stderr, "tutti-run: some processes cannot be killed (waiting in the kernel)\n");
  }
  output_.finish();
  return exit_code_;
}

bool Supervisor::start_all() {
  Program program{.command = options_.command,
                  .ranks = options_.ranks,
                  .unique_id = encode(fabric_ != nullptr ? fabric_->id() : meeting_->id()),
                  .descriptor_limit = raise_descriptor_limit(options_)};
  if (fabric_ != nullptr) {
    program.variable = ub::wire::kWorldVariable;
    program.value = [this](Rank rank) { return fabric_->address_for(rank); };
  }
  std::vector<pid_t> started_as;
  for (Rank rank = 0; rank < options_.ranks; ++rank) {
    const ScopedBinding bound(masks_[static_cast<std::size_t>(rank)]);
    RankProcess started = start_rank(program, rank, options_.prefix);
    if (started.exec_error != 0) {
      fmt::print(stderr, "tutti-run: cannot run '{}': {}\n", program.command[0],
                 std::strerror(started.exec_error));
      exit_code_ = started.exec_error == ENOENT ? kNotFound : kCannotExecute;
      return false;
    }
    running_[started.pid] = rank;
    started_as.push_back(started.pid);
    groups_.push_back(started.pid);
    if (options_.prefix) {
      output_.add(rank, std::move(started.output), STDOUT_FILENO);
      output_.add(rank, std::move(started.errors), STDERR_FILENO);
    }
  }
  if (options_.timeout) next_step_ = Clock::now() + *options_.timeout;
  if (fabric_ != nullptr) fabric_->begin(std::move(started_as));
  return true;
}

void Supervisor::watch() {
  std::vector<pollfd> entries;
  while (!running_.empty() && !guard_died_) {
    const int fabric = fabric_ != nullptr && !fabric_over_ ? fabric_->over() : -1;
    entries.assign(
        {{signals_.get(), POLLIN, 0}, {guard_alive_.get(), POLLIN, 0}, {fabric, POLLIN, 0}});
    output_.append_to(entries);
    if (::poll(entries.data(), entries.size(), milliseconds_to_next_step()) < 0) continue;
    guard_died_ = entries[1].revents != 0;
    output_.read(std::span(entries).subspan(3));
    if (entries[0].revents != 0) take_signals();
    if (entries[2].revents != 0) end_fabric();
    take_step_when_due();
  }
  if (phase_ == Phase::kSettling) announce_failure();  // all ranks ended meanwhile
}

int Supervisor::milliseconds_to_next_step() const {
  using std::chrono::milliseconds;
  if (!next_step_) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*next_step_ - Clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(60'000)).count());
}

void Supervisor::take_step_when_due() {
  if (!next_step_ || Clock::now() < *next_step_) return;
  switch (phase_) {
    case Phase::kRunning:
      fmt::print(stderr, "tutti-run: {} still running after {:.3g} s\n",
                 name_ranks(running_ranks()),
                 std::chrono::duration<double>(*options_.timeout).count());
      exit_code_ = kTimedOut;
      enter(Phase::kTerminated, options_.grace);
      signal_all(SIGTERM, true);
      break;
    case Phase::kSettling:
      announce_failure();
      enter(Phase::kWaiting, options_.grace);
      break;
    case Phase::kWaiting:
      enter(Phase::kTerminated, options_.grace);
      signal_all(SIGTERM, true);
      break;
    case Phase::kTerminated:
      phase_ = Phase::kKilled;
      next_step_.reset();
      signal_all(SIGKILL, true);
      break;
    case Phase::kKilled:
      break;
  }
}

void Supervisor::take_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    const int signal = static_cast<int>(info.ssi_signo);
    signal == SIGCHLD ? reap() : signal_all(signal, goes_to_group(signal));
  }
}

void Supervisor::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    // Anything else is an adopted orphan.
    if (const auto found = running_.find(pid); found != running_.end()) {
      const Rank rank = found->second;
      running_.erase(found);
      // The number may be given to a stranger once nobody of the group is left.
      if (::kill(-pid, 0) != 0) std::erase(groups_, pid);
      note_end(rank, status);
    }
  }
}

void Supervisor::note_end(Rank rank, int wait_status) {
  if (fabric_ != nullptr) {
    fabric_->note_end(rank);
  } else {
    meeting_->report_death(rank, describe(rank, wait_status));
  }
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return;
  if (phase_ == Phase::kRunning) {
    failure_ = {rank, wait_status};
    enter(Phase::kSettling, kSettling);
  } else if (phase_ == Phase::kSettling && WIFSIGNALED(wait_status) &&
             WIFEXITED(failure_->wait_status)) {
    failure_ = {rank, wait_status};
  }
}

// The ranks have ended, and the simulation writes down what happened, perhaps for a minute. Who
// does not want to wait for that ends it.
void Supervisor::await_fabric() {
  for (;;) {
    pollfd entries[] = {{signals_.get(), POLLIN, 0}, {fabric_->over(), POLLIN, 0}};
    if (::poll(entries, std::size(entries), -1) < 0) continue;
    if (entries[1].revents != 0) return;
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGCHLD) {
        reap();
      } else if (goes_to_group(signal)) {
        leave(signal);
      }
    }
  }
}

void Supervisor::leave(int signal) {
  fmt::print(stderr, "tutti-run: ended by signal {} before the run was written down\n", signal);
  kill_descendants();
  output_.finish();
  std::_Exit(kKilledBySignal + signal);  // the thread of the simulation goes on writing until then
}

// The simulation is over: its ranks have ended, or it cannot go on.
void Supervisor::end_fabric() {
  fabric_over_ = true;
  const FabricWorld::Outcome outcome = fabric_->finish();
  if (outcome.trouble.empty()) {
    print_outcome(options_, outcome);
    if (outcome.not_shown.empty()) return;
    fmt::print(stderr, "tutti-run: {}\n", outcome.not_shown);
    if (exit_code_ == 0) exit_code_ = kLauncherFailed;
    return;
  }
  fmt::print(stderr, "tutti-run: {}\n", outcome.trouble);
  if (exit_code_ == 0) exit_code_ = kTimedOut;
  if (phase_ == Phase::kRunning || phase_ == Phase::kSettling) {
    enter(Phase::kTerminated, options_.grace);
    signal_all(SIGTERM, true);
  }
}

void Supervisor::announce_failure() {
  const auto [rank, status] = *failure_;
  fmt::print(stderr, "tutti-run: {}\n", describe(rank, status));
  exit_code_ = WIFSIGNALED(status) ? kKilledBySignal + WTERMSIG(status) : WEXITSTATUS(status);
}

void Supervisor::enter(Phase phase, Clock::duration time) {
  phase_ = phase;
  next_step_ = Clock::now() + time;
}

std::vector<Rank> Supervisor::running_ranks() const {
  std::vector<Rank> ranks;
  ranks.reserve(running_.size());
  for (const auto& [pid, rank] : running_) ranks.push_back(rank);
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

void Supervisor::signal_all(int signal, bool groups) const {
  // A group outlives its leader as long as it has members, a process does not.
  if (groups) {
    for (const pid_t group : groups_) ::kill(-group, signal);
  } else {
    for (const auto& [pid, rank] : running_) ::kill(pid, signal);
  }
}

}  // namespace tutti::launcher
