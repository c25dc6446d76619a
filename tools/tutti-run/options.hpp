// tutti-run's command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "binding.hpp"
#include "perf/tutti_perf/fabric_options.hpp"

namespace tutti::launcher {

struct Options {
  int ranks = 0;
  bool prefix = false;
  Binding binding = Binding::kNode;
  std::optional<std::chrono::milliseconds> timeout;
  std::chrono::milliseconds grace{5000};
  perf::FabricOptions fabric;
  std::chrono::milliseconds silence{60'000};  // of a rank outside Tutti, on a fabric
  std::vector<std::string> command;           // program and arguments
};

// Exit codes of the launcher itself; otherwise it returns the first failing rank's.
enum ExitCode : int {
  kBadOptions = 2,
  kTimedOut = 124,
  kLauncherFailed = 125,
  kCannotExecute = 126,
  kNotFound = 127,
  kKilledBySignal = 128  // plus the signal
};

// Without options the command line was answered already (help, or what is wrong with it).
struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
};
Parsed parse(int argc, const char* const* argv);

}  // namespace tutti::launcher
