// Ranks of other hosts: a tutti-run --agent on each, reached by ssh.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "hosts.hpp"
#include "job.hpp"
#include "prefixed_output.hpp"
#include "ranks.hpp"

namespace tutti::launcher {

// How to come to another host.
struct Way {
  std::vector<std::string> ssh;  // a program and its first arguments; the host and a command follow
  std::string tutti_run;         // where it is there
};

class RemoteRanks final : public Ranks {
 public:
  // `job` says what is the same on all hosts.
  RemoteRanks(std::vector<Host> hosts, Way way, Job job, const rlimit& descriptor_limit);

  std::optional<Failure> start() override;
  std::vector<Rank> running() const override;
  bool busy() const override;
  void signal(int signal) override;
  void append_to(std::vector<pollfd>& entries) const override;
  void read(std::span<const pollfd> entries) override;
  void reap() override;
  std::vector<RankEnd> take_ended() override { return std::exchange(ended_, {}); }
  std::optional<Failure> failure() const override { return failure_; }
  void finish() override { output_.finish(); }

 private:
  // A host whose agent has been started.
  struct Agent {
    Host host;
    pid_t process = -1;   // of ssh
    Descriptor orders;    // what the agent reads; closed when ssh has ended
    std::string pending;  // of it, not yet written
    bool cannot = false;  // it has said so
  };

  void write_pending(Agent& agent);
  void take_report(std::size_t agent, std::string_view text);
  void note_end_of_rank(Agent& agent, std::string_view words);
  void note_end_of_agent(Agent& agent, int wait_status);
  std::string remote_command() const;

  const std::vector<Host> hosts_;
  const Way way_;
  const Job job_;
  const rlimit descriptor_limit_;
  PrefixedOutput output_;
  std::vector<Agent> agents_;
  std::set<Rank> running_;
  std::vector<RankEnd> ended_;
  std::optional<Failure> failure_;
};

}  // namespace tutti::launcher
