// Starting one rank.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <tutti/transport.hpp>
#include <vector>

#include "base/descriptor.hpp"

namespace tutti::launcher {

// What all ranks are started with.
struct Program {
  std::vector<std::string> command;
  int ranks = 0;
  std::string unique_id;  // hexadecimal
  // What else each rank finds in its environment: a name, and a value for it; nullptr: nothing.
  const char* variable = nullptr;
  std::function<std::string(Rank)> value;
  rlimit descriptor_limit{};  // the user's, which the launcher may have raised for itself
};

// A started rank, the leader of a process group of its own. It dies when the launcher does.
struct RankProcess {
  pid_t pid = -1;
  int exec_error = 0;         // errno when the program could not be run; then it has ended already
  Descriptor output, errors;  // with pipes: what it prints, non-blocking
};

// tuttiSystemError when the machine has no process or descriptor left.
RankProcess start_rank(const Program& program, Rank rank, bool with_pipes);

}  // namespace tutti::launcher
