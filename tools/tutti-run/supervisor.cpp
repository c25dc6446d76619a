// One poll loop over signals, the guard and the ranks' output.
#include "supervisor.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "bootstrap/rank_names.hpp"
#include "bootstrap/unique_id.hpp"
#include "descendants.hpp"
#include "fabric/fabric_run.hpp"
#include "limits.hpp"
#include "local_ranks.hpp"
#include "remote_ranks.hpp"
#include "signals.hpp"
#include "transports/ub/processes/wire.hpp"

namespace tutti::launcher {

namespace {

// The survivors of a killed rank may fail, and be reaped, before it: a killed rank that is seen
// this soon after the first failure is taken for the cause.
constexpr std::chrono::milliseconds kSettling{100};

// One connection per rank to the meeting, and with --prefix or ssh pipes to processes.
rlimit make_room(const Options& options) {
  const bool remote = !options.hosts.empty();
  const int pipes = remote           ? 3 * static_cast<int>(options.hosts.size())
                    : options.prefix ? 2 * options.ranks
                                     : 0;
  return raise_descriptor_limit(
      options.ranks + pipes,
      fmt::format("{} ranks{}", options.ranks, options.prefix ? " with --prefix" : ""));
}

// TUTTI_* of this process, but those that are about this machine, and what the user asks for.
std::vector<std::string> environment_for_hosts(const Options& options) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto name = text.substr(0, text.find('='));
    const bool ours = name.starts_with("TUTTI_") && name != "TUTTI_SSH" && name != "TUTTI_HOST_ID";
    const bool wanted =
        std::find(options.exported.begin(), options.exported.end(), name) != options.exported.end();
    if (ours || wanted) environment.emplace_back(text);
  }
  return environment;
}

}  // namespace

Supervisor::Supervisor(const Options& options, std::vector<ProcessorMask> masks,
                       Descriptor guard_alive)
    : options_(options), guard_alive_(std::move(guard_alive)), signals_(open_signals()) {
  if (options_.fabric.given()) {
    fabric_ = open_fabric(options_);
  } else if (!options_.hosts.empty()) {
    meeting_ = std::make_unique<Meeting>(
        MeetingPlace{.address = meeting_address(options_.hosts, options_.meet)});
  } else {
    meeting_ = std::make_unique<Meeting>();
  }
  ranks_ = make_ranks(std::move(masks));
}

std::unique_ptr<Ranks> Supervisor::make_ranks(std::vector<ProcessorMask> masks) {
  const rlimit user_limit = make_room(options_);
  const std::string id = encode(fabric_ != nullptr ? fabric_->id() : meeting_->id());
  if (!options_.hosts.empty()) {
    return std::make_unique<RemoteRanks>(
        options_.hosts, Way{.ssh = options_.ssh, .tutti_run = options_.remote_tutti_run},
        Job{.directory = std::filesystem::current_path(),
            .command = options_.command,
            .environment = environment_for_hosts(options_),
            .unique_id = id,
            .ranks = options_.ranks,
            .prefix = options_.prefix,
            .binding = options_.binding},
        user_limit);
  }
  Program program{.command = options_.command,
                  .ranks = options_.ranks,
                  .local_ranks = options_.ranks,
                  .unique_id = id,
                  .descriptor_limit = user_limit};
  if (fabric_ != nullptr) {
    program.variable = ub::wire::kWorldVariable;
    program.value = [this](Rank rank) { return fabric_->address_for(rank); };
  }
  return std::make_unique<LocalRanks>(std::move(program), std::move(masks), options_.prefix);
}

int Supervisor::run() {
  if (start_all()) {
    watch();
    if (fabric_ != nullptr && !fabric_over_ && ranks_->running().empty()) {
      await_fabric();
      end_fabric();
    }
  }
  if (!kill_descendants()) {
    fmt::print(stderr, "tutti-run: some processes cannot be killed (waiting in the kernel)\n");
  }
  ranks_->finish();
  return exit_code_;
}

bool Supervisor::start_all() {
  if (const auto failure = ranks_->start()) {
    fmt::print(stderr, "tutti-run: {}\n", failure->sentence);
    exit_code_ = failure->exit_code;
    return false;
  }
  if (options_.timeout) next_step_ = Clock::now() + *options_.timeout;
  if (fabric_ != nullptr) fabric_->begin(static_cast<LocalRanks&>(*ranks_).processes());
  return true;
}

void Supervisor::watch() {
  std::vector<pollfd> entries;
  while (ranks_->busy() && !guard_died_ && !given_up_) {
    const int fabric = fabric_ != nullptr && !fabric_over_ ? fabric_->over() : -1;
    entries.assign(
        {{signals_.get(), POLLIN, 0}, {guard_alive_.get(), POLLIN, 0}, {fabric, POLLIN, 0}});
    ranks_->append_to(entries);
    if (::poll(entries.data(), entries.size(), milliseconds_to_next_step()) < 0) continue;
    guard_died_ = entries[1].revents != 0;
    ranks_->read(std::span(entries).subspan(3));
    if (entries[0].revents != 0) handle_signals();
    note_ends();
    note_failure();
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
                 name_ranks(ranks_->running()),
                 std::chrono::duration<double>(*options_.timeout).count());
      exit_code_ = kTimedOut;
      enter(Phase::kTerminated, options_.grace);
      ranks_->signal(SIGTERM);
      break;
    case Phase::kSettling:
      announce_failure();
      enter(Phase::kWaiting, options_.grace);
      break;
    case Phase::kWaiting:
      enter(Phase::kTerminated, options_.grace);
      ranks_->signal(SIGTERM);
      break;
    case Phase::kTerminated:
      enter(Phase::kKilled, options_.grace);
      ranks_->signal(SIGKILL);
      break;
    case Phase::kKilled:
      given_up_ = true;  // a process in the kernel, or an ssh that does not end
      break;
  }
}

void Supervisor::handle_signals() {
  for (const int signal : take_signals(signals_)) {
    signal == SIGCHLD ? ranks_->reap() : ranks_->signal(signal);
  }
}

void Supervisor::note_ends() {
  for (const RankEnd& end : ranks_->take_ended()) note_end(end);
}

void Supervisor::note_end(const RankEnd& end) {
  if (fabric_ != nullptr) {
    fabric_->note_end(end.rank);
  } else {
    meeting_->report_death(end.rank, end.sentence);
  }
  const int wait_status = end.wait_status;
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return;
  if (phase_ == Phase::kRunning) {
    failure_ = end;
    enter(Phase::kSettling, kSettling);
  } else if (phase_ == Phase::kSettling && WIFSIGNALED(wait_status) &&
             WIFEXITED(failure_->wait_status)) {
    failure_ = end;
  }
}

void Supervisor::note_failure() {
  const auto failure = ranks_->failure();
  if (!failure || failed_) return;
  failed_ = true;
  fmt::print(stderr, "tutti-run: {}\n", failure->sentence);
  exit_code_ = failure->exit_code;
  if (phase_ == Phase::kRunning || phase_ == Phase::kSettling) {
    enter(Phase::kWaiting, options_.grace);
  }
}

// The ranks have ended, and the simulation writes down what happened, perhaps for a minute. Who
// does not want to wait for that ends it.
void Supervisor::await_fabric() {
  for (;;) {
    pollfd entries[] = {{signals_.get(), POLLIN, 0}, {fabric_->over(), POLLIN, 0}};
    if (::poll(entries, std::size(entries), -1) < 0) continue;
    if (entries[1].revents != 0) return;
    for (const int signal : take_signals(signals_)) {
      if (signal == SIGCHLD) {
        ranks_->reap();
      } else if (goes_to_group(signal)) {
        leave(signal);
      }
    }
  }
}

void Supervisor::leave(int signal) {
  fmt::print(stderr, "tutti-run: ended by signal {} before the run was written down\n", signal);
  kill_descendants();
  ranks_->finish();
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
    ranks_->signal(SIGTERM);
  }
}

void Supervisor::announce_failure() {
  const int status = failure_->wait_status;
  fmt::print(stderr, "tutti-run: {}\n", failure_->sentence);
  exit_code_ = WIFSIGNALED(status) ? kKilledBySignal + WTERMSIG(status) : WEXITSTATUS(status);
}

void Supervisor::enter(Phase phase, Clock::duration time) {
  phase_ = phase;
  next_step_ = Clock::now() + time;
}

}  // namespace tutti::launcher
