// CLI11's description of the options.
#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "bootstrap/meeting_wire.hpp"

namespace tutti::launcher {

namespace {

constexpr double kLongestSeconds = 1e9;

constexpr const char* kFooter =
    "Each rank finds TUTTI_RANK, TUTTI_WORLD_SIZE, TUTTI_LOCAL_RANK and TUTTI_UNIQUE_ID in its\n"
    "environment. Without --hosts rank 0 reads standard input unless that is a terminal; the "
    "others read nothing.\n"
    "SIGINT, SIGTERM and SIGHUP go on to every rank and its children, SIGUSR1 and SIGUSR2 to every "
    "rank.\n"
    "Returns the exit code of the rank that failed first (128 + n if signal n killed it), 2 for "
    "wrong\n"
    "options, 124 after --timeout or --silence, 126 or 127 when the program cannot be run or "
    "found, 125 when "
    "the\n"
    "launcher itself fails.";

std::chrono::milliseconds to_milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// How many of the arguments are the launcher's: those before "--" or the program's name. CLI11
// would take the program's options for its own.
int own_arguments(int argc, const char* const* argv) {
  constexpr std::string_view kWithValue[] = {"-n",      "--ranks",   "--bind",  "--timeout",
                                             "--grace", "--silence", "--hosts", "--ssh",
                                             "--meet",  "--export",  "--remote"};
  const auto takes_value = [&](std::string_view argument) {
    const auto among = [&](const auto& names) {
      return std::find(std::begin(names), std::end(names), argument) != std::end(names);
    };
    return among(kWithValue) || among(perf::kFabricOptionsWithValue);
  };
  int i = 1;
  for (; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--" || argument.empty() || argument[0] != '-') break;
    i += takes_value(argument);
  }
  return std::min(i, argc);
}

void take_hosts(Options& options, const std::string& hosts, const std::string& ssh) {
  try {
    options.hosts = parse_hosts(hosts, options.ranks);
  } catch (const std::invalid_argument& error) {
    throw CLI::ValidationError(std::string("--hosts: ") + error.what());
  }
  options.ranks = options.hosts.back().first_rank + options.hosts.back().ranks;
  std::istringstream words(ssh);
  for (std::string word; words >> word;) options.ssh.push_back(word);
  if (options.ssh.empty()) throw CLI::ValidationError("--ssh: no command");
  if (options.fabric.given()) throw CLI::ValidationError("--fabric is of this machine: no --hosts");
  if (options.remote_tutti_run.empty()) {
    options.remote_tutti_run = std::filesystem::read_symlink("/proc/self/exe");
  }
}

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  Options options;
  double grace = 5;
  double timeout = 0;
  double silence = 60;
  std::string nodes, hosts;
  std::string ssh = "ssh -o BatchMode=yes";
  std::vector<std::string> exported;
  std::string binding = "node";
  CLI::App app(
      "Starts a program as N ranks, on this machine or by ssh on others: tutti-run -n N [OPTIONS] "
      "[--] program "
      "[arguments]",
      "tutti-run");
  app.footer(kFooter);
  auto* with_ranks = app.add_option("-n,--ranks", options.ranks, "How many processes to start");
  with_ranks->check(CLI::Range(1, static_cast<int>(wire::kMostRanks)));
  auto* with_hosts = app.add_option(
      "--hosts", hosts,
      "Start them on other machines: a,b or a:4,b:4 (how many on each; else 1, or -n "
      "spread evenly)");
  app.add_option("--ssh", ssh,
                 "With --hosts: the command that reaches them, a host and a command follow it")
      ->envname("TUTTI_SSH")
      ->capture_default_str();
  app.add_option("--remote", options.remote_tutti_run,
                 "With --hosts: where tutti-run is on them; else where it is here")
      ->needs(with_hosts);
  app.add_option("--meet", options.meet,
                 "With --hosts: this machine's address, as they reach it; else chosen")
      ->needs(with_hosts);
  app.add_option("--export", exported,
                 "With --hosts: names of variables, separated by commas, that ranks get from here "
                 "besides TUTTI_*")
      ->delimiter(',')
      ->needs(with_hosts);
  app.add_flag("--prefix", options.prefix,
               "Begin every line of output with \"[rank] \"; lines stay whole");
  app.add_option("--bind", binding,
                 "Where each rank runs: none (anywhere), node (ranks in blocks over the NUMA "
                 "nodes) or core (a core for each)")
      ->check(CLI::IsMember({"none", "node", "core"}))
      ->capture_default_str();
  auto* with_timeout =
      app.add_option("--timeout", timeout, "End everything after this many seconds")
          ->check(CLI::Range(0.0, kLongestSeconds));
  app.add_option(
         "--grace", grace,
         "Seconds that ranks get after another failed, then SIGTERM; and as many after SIGTERM, "
         "then SIGKILL")
      ->check(CLI::Range(0.0, kLongestSeconds))
      ->capture_default_str();
  perf::add_fabric_options(app, options.fabric, nodes, "processes that take turns");
  app.get_option("--check-races")->description("Of ranks that are fibres (tutti-perf), not here");
  app.add_option("--silence", silence,
                 "With --fabric: end everything when a rank has its turn for so many seconds and "
                 "does not come to Tutti")
      ->check(CLI::Range(0.001, kLongestSeconds))
      ->capture_default_str()
      ->needs("--fabric");

  int own = own_arguments(argc, argv);
  try {
    app.parse(own, argv);
    if (with_hosts->count() > 0) take_hosts(options, hosts, ssh);
    if (with_ranks->count() + with_hosts->count() == 0) {
      throw CLI::ValidationError("--ranks is required");
    }
    options.exported = std::move(exported);
    if (!nodes.empty()) options.fabric.nodes = perf::parse_nodes(nodes);
    if (options.fabric.check_races) {
      throw CLI::ValidationError(
          "--check-races: what ranks that are processes do with their memory is not seen; it is of "
          "ranks that are fibres (tuttiSimRun, tutti-perf)");
    }
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return {std::nullopt, app.exit(error)};
    fmt::print(stderr, "tutti-run: {} (tutti-run --help lists the options)\n", error.what());
    return {std::nullopt, kBadOptions};
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "tutti-run: --nodes: {}\n", error.what());
    return {std::nullopt, kBadOptions};
  }
  if (own < argc && std::string_view(argv[own]) == "--") ++own;
  options.command.assign(argv + own, argv + argc);
  if (options.command.empty() || options.command[0].empty()) {
    fmt::print(stderr, "tutti-run: which program? (tutti-run -n N [--] program [arguments])\n");
    return {std::nullopt, kBadOptions};
  }
  options.binding = binding == "none"   ? Binding::kNone
                    : binding == "node" ? Binding::kNode
                                        : Binding::kCore;
  options.grace = to_milliseconds(grace);
  options.silence = to_milliseconds(silence);
  if (with_timeout->count() > 0) options.timeout = to_milliseconds(timeout);
  return {std::move(options), 0};
}

}  // namespace tutti::launcher
