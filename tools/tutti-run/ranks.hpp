// The ranks of a run, wherever they are.
#pragma once

#include <poll.h>

#include <optional>
#include <span>
#include <string>
#include <tutti/transport.hpp>
#include <vector>

namespace tutti::launcher {

struct RankEnd {
  Rank rank = 0;
  int wait_status = 0;   // as waitpid() tells it
  std::string sentence;  // what happened, naming the rank
};
// "rank 3 exited with code 7" or "rank 3 was killed by signal 9 (Killed)".
RankEnd end_of(Rank rank, int wait_status);

class Ranks {
 public:
  // What does not lie with a rank.
  struct Failure {
    int exit_code = 0;  // the launcher's
    std::string sentence;
  };
  virtual ~Ranks() = default;

  // Starts all; why that cannot be, where it cannot.
  virtual std::optional<Failure> start() = 0;
  // Ascending.
  virtual std::vector<Rank> running() const = 0;
  // Whether anything is to be waited for: ranks, or what they have printed.
  virtual bool busy() const = 0;
  // To every rank, and its children where it goes_to_group().
  virtual void signal(int signal) = 0;

  // Appends entries to wait for.
  virtual void append_to(std::vector<pollfd>& entries) const = 0;
  // Passes on what ranks print; `entries` are those of append_to.
  virtual void read(std::span<const pollfd> entries) = 0;
  // After SIGCHLD.
  virtual void reap() = 0;
  // Who has ended since the last call. (What read() and reap() have found.)
  virtual std::vector<RankEnd> take_ended() = 0;
  // Why the run cannot go on, if so.
  virtual std::optional<Failure> failure() const { return std::nullopt; }
  // Prints the rest. When everybody has ended.
  virtual void finish() = 0;
};

}  // namespace tutti::launcher
