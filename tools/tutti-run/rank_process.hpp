// Starting one process: a rank, or what leads to another host.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <tutti/transport.hpp>
#include <vector>

#include "base/descriptor.hpp"

namespace tutti::launcher {

// What the ranks of this machine are started with.
struct Program {
  std::vector<std::string> command;
  int ranks = 0;       // of the world
  int first_rank = 0;  // those of this machine: this one, and those after it
  int local_ranks = 0;
  std::string unique_id;  // hexadecimal
  // What else each rank finds in its environment: a name, and a value for it; nullptr: nothing.
  const char* variable = nullptr;
  std::function<std::string(Rank)> value;
  // Others, "NAME=value", which win over what this process has.
  std::vector<std::string> environment;
  rlimit descriptor_limit{};  // the user's, which the launcher may have raised for itself
  bool reads_input = true;    // rank 0, where this process's input is no terminal
};

// A started rank, the leader of a process group of its own. It dies when the launcher does.
struct RankProcess {
  pid_t pid = -1;
  int exec_error = 0;         // errno when the program could not be run; then it has ended already
  Descriptor output, errors;  // with pipes: what it prints, non-blocking
};

// The `local`-th of the ranks here. tuttiSystemError when the machine has no process or descriptor
// left.
RankProcess start_rank(const Program& program, int local, bool with_pipes);

// Any program, with pipes, which reads from `input` and has this process's environment.
RankProcess start_with_input(std::vector<std::string> command, const Descriptor& input,
                             const rlimit& descriptor_limit);

}  // namespace tutti::launcher
