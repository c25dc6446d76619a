#include "agent.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "descendants.hpp"
#include "guard.hpp"
#include "job.hpp"
#include "limits.hpp"
#include "local_ranks.hpp"
#include "options.hpp"
#include "signals.hpp"

namespace tutti::launcher {

namespace {

void report(const std::string& text) {
  fmt::print(stderr, "{}{}\n", PrefixedOutput::kReportMark, text);
  std::fflush(stderr);
}

class Agent {
 public:
  Agent(const Job& job, std::vector<ProcessorMask> masks, Descriptor guard_alive)
      : guard_alive_(std::move(guard_alive)),
        signals_(open_signals()),
        ranks_({.command = job.command,
                .ranks = job.ranks,
                .first_rank = job.first_rank,
                .local_ranks = job.local_ranks,
                .unique_id = job.unique_id,
                .environment = job.environment,
                .descriptor_limit =
                    raise_descriptor_limit(job.prefix ? 2 * job.local_ranks : 0,
                                           fmt::format("{} ranks with --prefix", job.local_ranks)),
                .reads_input = false},
               std::move(masks), job.prefix) {}

  int run() {
    const auto failure = ranks_.start();
    if (failure) report(fmt::format("cannot {} {}", failure->exit_code, failure->sentence));
    while (!failure && !left_alone_ && ranks_.busy()) watch();
    kill_descendants();
    ranks_.reap();
    ranks_.finish();
    report_ended();
    return failure ? failure->exit_code : 0;
  }

 private:
  void watch() {
    entries_.assign(
        {{signals_.get(), POLLIN, 0}, {guard_alive_.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}});
    ranks_.append_to(entries_);
    if (::poll(entries_.data(), entries_.size(), -1) < 0) return;
    ranks_.read(std::span(entries_).subspan(3));
    if (entries_[0].revents != 0) {
      for (const int signal : take_signals(signals_)) {
        signal == SIGCHLD ? ranks_.reap() : ranks_.signal(signal);
      }
    }
    if (entries_[1].revents != 0) left_alone_ = true;
    if (entries_[2].revents != 0) obey();
    report_ended();
  }

  void obey() {
    unsigned char orders[64];
    const ssize_t got = ::read(STDIN_FILENO, orders, sizeof(orders));
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    left_alone_ = got <= 0;
    for (ssize_t i = 0; i < got; ++i) ranks_.signal(orders[i]);
  }

  void report_ended() {
    const auto ended = ranks_.take_ended();
    if (!ended.empty()) ranks_.drain();  // what they printed comes first
    for (const RankEnd& end : ended) {
      report(fmt::format("ended {} {}", end.rank, end.wait_status));
    }
  }

  const Descriptor guard_alive_;
  const Descriptor signals_;
  LocalRanks ranks_;
  std::vector<pollfd> entries_;
  bool left_alone_ = false;  // by the tutti-run elsewhere, or by the guard
};

int run_job() {
  const Job job = read_job(STDIN_FILENO);
  if (::chdir(job.directory.c_str()) != 0) {
    fail_system("changing to the directory '{}'", job.directory);
  }
  std::vector<ProcessorMask> masks = bind_ranks(job.binding, job.local_ranks);
  return run_guarded([&](Descriptor guard_alive) {
    try {
      return Agent(job, std::move(masks), std::move(guard_alive)).run();
    } catch (const std::exception& error) {
      report(fmt::format("cannot {} {}", static_cast<int>(kLauncherFailed), error.what()));
      kill_descendants();
      return static_cast<int>(kLauncherFailed);
    }
  });
}

}  // namespace

int run_agent() {
  try {
    return run_job();
  } catch (const std::exception& error) {
    report(fmt::format("cannot {} {}", static_cast<int>(kLauncherFailed), error.what()));
    return kLauncherFailed;
  }
}

}  // namespace tutti::launcher
