#include "remote_ranks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "local_ranks.hpp"
#include "options.hpp"
#include "rank_process.hpp"

namespace tutti::launcher {

namespace {

// As one word of a shell's.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      result += c;
    }
  }
  return result + "'";
}

// The number in front, which is taken off together with the space behind it.
std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

// Both ends close-on-exec, the writing one non-blocking: an ssh that does not read must not stop
// this process.
std::pair<Descriptor, Descriptor> make_orders() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_system("a pipe to another host");
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace

RemoteRanks::RemoteRanks(std::vector<Host> hosts, Way way, Job job, const rlimit& descriptor_limit)
    : hosts_(std::move(hosts)),
      way_(std::move(way)),
      job_(std::move(job)),
      descriptor_limit_(descriptor_limit) {}

std::string RemoteRanks::remote_command() const {
  return "exec " + quoted(way_.tutti_run) + " --agent";
}

std::optional<Ranks::Failure> RemoteRanks::start() {
  for (const Host& host : hosts_) {
    Job job = job_;
    job.first_rank = host.first_rank;
    job.local_ranks = host.ranks;
    std::vector<std::string> command = way_.ssh;
    command.push_back(host.name);
    command.push_back(remote_command());
    auto [input, orders] = make_orders();
    RankProcess started = start_with_input(std::move(command), input, descriptor_limit_);
    if (started.exec_error != 0) {
      return failure_to_run(way_.ssh[0], started.exec_error);
    }
    const std::size_t number = agents_.size();
    output_.add("", std::move(started.output), STDOUT_FILENO);
    output_.add("", std::move(started.errors), STDERR_FILENO,
                [this, number](std::string_view text) { take_report(number, text); });
    agents_.push_back({.host = host,
                       .process = started.pid,
                       .orders = std::move(orders),
                       .pending = encode_job(job)});
    write_pending(agents_.back());
    for (int i = 0; i < host.ranks; ++i) running_.insert(host.first_rank + i);
  }
  return std::nullopt;
}

std::vector<Rank> RemoteRanks::running() const { return {running_.begin(), running_.end()}; }

bool RemoteRanks::busy() const {
  return std::any_of(agents_.begin(), agents_.end(),
                     [](const Agent& agent) { return agent.process != -1; });
}

void RemoteRanks::signal(int signal) {
  for (Agent& agent : agents_) {
    if (signal == SIGKILL) agent.orders.close();  // the agent kills what is left
    if (!agent.orders) continue;
    agent.pending += static_cast<char>(signal);
    write_pending(agent);
  }
}

void RemoteRanks::write_pending(Agent& agent) {
  while (!agent.pending.empty()) {
    const ssize_t written = ::write(agent.orders.get(), agent.pending.data(), agent.pending.size());
    if (written >= 0) {
      agent.pending.erase(0, static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      agent.pending.clear();  // ssh has ended, which reap() sees
    }
  }
}

// Those who have something to be told first, then outputs.
void RemoteRanks::append_to(std::vector<pollfd>& entries) const {
  for (const Agent& agent : agents_) {
    entries.push_back({agent.pending.empty() ? -1 : agent.orders.get(), POLLOUT, 0});
  }
  output_.append_to(entries);
}

void RemoteRanks::read(std::span<const pollfd> entries) {
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (entries[i].revents != 0) write_pending(agents_[i]);
  }
  output_.read(entries.subspan(agents_.size()));
}

void RemoteRanks::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    const auto found = std::find_if(agents_.begin(), agents_.end(),
                                    [&](const Agent& agent) { return agent.process == pid; });
    if (found == agents_.end()) continue;  // an adopted orphan
    output_.drain();                       // what the agent said before
    note_end_of_agent(*found, status);
  }
}

void RemoteRanks::take_report(std::size_t number, std::string_view text) {
  Agent& agent = agents_[number];
  constexpr std::string_view kEnded = "ended ", kCannot = "cannot ";
  if (text.starts_with(kEnded)) {
    note_end_of_rank(agent, text.substr(kEnded.size()));
  } else if (text.starts_with(kCannot)) {
    text.remove_prefix(kCannot.size());
    agent.cannot = true;
    const int code = take_number(text).value_or(kLauncherFailed);
    if (!failure_) failure_ = {code, fmt::format("host {}: {}", agent.host.name, text)};
  }
}

void RemoteRanks::note_end_of_rank(Agent& agent, std::string_view words) {
  const auto rank = take_number(words);
  const auto status = take_number(words);
  const auto local = rank ? *rank - agent.host.first_rank : -1;
  if (!status || local < 0 || local >= agent.host.ranks || running_.erase(*rank) == 0) return;
  RankEnd end = end_of(*rank, *status);
  end.sentence += " on host " + agent.host.name;
  ended_.push_back(std::move(end));
}

// Ranks that have not ended before have ended with it, as far as anybody knows.
void RemoteRanks::note_end_of_agent(Agent& agent, int wait_status) {
  agent.orders.close();
  agent.process = -1;
  std::string how = WIFSIGNALED(wait_status)
                        ? fmt::format("was killed by signal {}", WTERMSIG(wait_status))
                        : fmt::format("ended with code {}", WEXITSTATUS(wait_status));
  bool lost = false;
  for (int i = 0; i < agent.host.ranks; ++i) {
    const Rank rank = agent.host.first_rank + i;
    if (running_.erase(rank) == 0) continue;
    lost = true;
    RankEnd end{rank, SIGKILL, {}};
    end.sentence =
        fmt::format("rank {} is lost: the connection to host {} {}", rank, agent.host.name, how);
    ended_.push_back(std::move(end));
  }
  if (lost && !agent.cannot && !failure_) {
    failure_ = {kLauncherFailed, fmt::format("host {}: '{}' {} before its ranks did (is {} there?)",
                                             agent.host.name, way_.ssh[0], how, way_.tutti_run)};
  }
}

}  // namespace tutti::launcher
