#include "local_ranks.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "options.hpp"
#include "signals.hpp"

namespace tutti::launcher {

RankEnd end_of(Rank rank, int wait_status) {
  RankEnd end{rank, wait_status, {}};
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    end.sentence =
        fmt::format("rank {} was killed by signal {} ({})", rank, signal, ::strsignal(signal));
  } else {
    end.sentence = fmt::format("rank {} exited with code {}", rank, WEXITSTATUS(wait_status));
  }
  return end;
}

Ranks::Failure failure_to_run(const std::string& program, int exec_error) {
  return {exec_error == ENOENT ? kNotFound : kCannotExecute,
          fmt::format("cannot run '{}': {}", program, std::strerror(exec_error))};
}

LocalRanks::LocalRanks(Program program, std::vector<ProcessorMask> masks, bool prefix)
    : program_(std::move(program)), masks_(std::move(masks)), prefix_(prefix) {}

std::optional<Ranks::Failure> LocalRanks::start() {
  for (int local = 0; local < program_.local_ranks; ++local) {
    const ScopedBinding bound(masks_[static_cast<std::size_t>(local)]);
    RankProcess started = start_rank(program_, local, prefix_);
    if (started.exec_error != 0) {
      return failure_to_run(program_.command[0], started.exec_error);
    }
    const Rank rank = program_.first_rank + local;
    running_[started.pid] = rank;
    processes_.push_back(started.pid);
    groups_.push_back(started.pid);
    if (prefix_) {
      const std::string prefix = fmt::format("[{}] ", rank);
      output_.add(prefix, std::move(started.output), STDOUT_FILENO);
      output_.add(prefix, std::move(started.errors), STDERR_FILENO);
    }
  }
  return std::nullopt;
}

std::vector<Rank> LocalRanks::running() const {
  std::vector<Rank> ranks;
  ranks.reserve(running_.size());
  for (const auto& [pid, rank] : running_) ranks.push_back(rank);
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

void LocalRanks::signal(int signal) {
  // A group outlives its leader as long as it has members, a process does not.
  if (goes_to_group(signal)) {
    for (const pid_t group : groups_) ::kill(-group, signal);
  } else {
    for (const auto& [pid, rank] : running_) ::kill(pid, signal);
  }
}

void LocalRanks::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    // Anything else is an adopted orphan.
    if (const auto found = running_.find(pid); found != running_.end()) {
      ended_.push_back(end_of(found->second, status));
      running_.erase(found);
      // The number may be given to a stranger once nobody of the group is left.
      if (::kill(-pid, 0) != 0) std::erase(groups_, pid);
    }
  }
}

std::vector<RankEnd> LocalRanks::take_ended() { return std::exchange(ended_, {}); }

}  // namespace tutti::launcher
