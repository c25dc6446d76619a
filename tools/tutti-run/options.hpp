// tutti-run's command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "binding.hpp"
#include "hosts.hpp"
#include "perf/tutti_perf/fabric_options.hpp"

namespace tutti::launcher {

struct Options {
  int ranks = 0;
  std::vector<Host> hosts;  // none: this machine, without ssh
  std::vector<std::string> ssh;
  std::string remote_tutti_run;       // on other hosts
  std::string meet;                   // an address of this machine; empty: to be chosen
  std::vector<std::string> exported;  // variables that go to other hosts
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
