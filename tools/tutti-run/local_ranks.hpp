// Ranks that are processes of this machine.
#pragma once

#include <sys/types.h>

#include <map>

#include "binding.hpp"
#include "prefixed_output.hpp"
#include "rank_process.hpp"
#include "ranks.hpp"

namespace tutti::launcher {

class LocalRanks final : public Ranks {
 public:
  // masks[i]: where the i-th of them runs. Without `prefix` they print where this process does.
  LocalRanks(Program program, std::vector<ProcessorMask> masks, bool prefix);

  std::optional<Failure> start() override;
  std::vector<Rank> running() const override;
  bool busy() const override { return !running_.empty(); }
  void signal(int signal) override;
  void append_to(std::vector<pollfd>& entries) const override { output_.append_to(entries); }
  void read(std::span<const pollfd> entries) override { output_.read(entries); }
  // Prints what is there.
  void drain() { output_.drain(); }
  void reap() override;
  std::vector<RankEnd> take_ended() override;
  void finish() override { output_.finish(); }

  // By rank. After start().
  const std::vector<pid_t>& processes() const noexcept { return processes_; }

 private:
  const Program program_;
  const std::vector<ProcessorMask> masks_;
  const bool prefix_;
  PrefixedOutput output_;
  std::map<pid_t, Rank> running_;
  std::vector<pid_t> processes_;
  std::vector<pid_t> groups_;  // of ranks; may outlive them
  std::vector<RankEnd> ended_;
};

// Of a program that could not be run: 126 or 127, as shells answer.
Ranks::Failure failure_to_run(const std::string& program, int exec_error);

}  // namespace tutti::launcher
