// tutti-selection: on a simulated fabric, how near the algorithms that the library chooses are to
// the fastest that it has.
#include <fmt/format.h>
#include <tutti/sim.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "perf/common/sizes.hpp"
#include "perf/selection/race.hpp"

namespace tutti::perf {
namespace {

struct Plan {
  std::string fabric = "cloudmatrix384";
  std::string per;
  int ranks = 384;
  std::string begin = "8", end = "64K";
  std::vector<int> groups;     // empty: all
  std::size_t most_bytes = 0;  // 0: what there is
  double limit_percent = 5;
  bool all = false;
  bool timing_only = false;
  std::vector<std::string> ops;  // empty: all
  std::string json_file;
};

struct Contest {
  const char* name;
  OperationKind kind;
  bool per_peer;  // a rank's buffer holds a block for every rank
};
constexpr Contest kContests[] = {{"all_reduce", OperationKind::kAllReduce, false},
                                 {"reduce_scatter", OperationKind::kReduceScatter, true},
                                 {"all_gather", OperationKind::kAllGather, true},
                                 {"all_to_all", OperationKind::kAlltoAll, true},
                                 {"broadcast", OperationKind::kBroadcast, false},
                                 {"reduce", OperationKind::kReduce, false},
                                 {"gather", OperationKind::kGather, true},
                                 {"scatter", OperationKind::kScatter, true}};

// Send and receive buffer of a rank, where peers reach them.
class Buffers {
 public:
  explicit Buffers(std::size_t bytes) : bytes_(bytes) {
    void* memory = nullptr;
    if (tuttiMemAlloc(&memory, 2 * bytes) != tuttiSuccess) {
      throw Error(tuttiSystemError, tuttiGetLastError(nullptr));
    }
    memory_ = static_cast<std::byte*>(memory);
  }
  ~Buffers() { tuttiMemFree(memory_); }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  std::byte* send() const { return memory_; }
  std::byte* recv() const { return memory_ + bytes_; }

 private:
  std::size_t bytes_;
  std::byte* memory_ = nullptr;
};

class Table {
 public:
  explicit Table(const Plan& plan) : plan_(plan), text_(plan.json_file == "-" ? stderr : stdout) {
    fmt::print(text_, "# {} ranks of {}, bytes a rank and, where they differ, a peer\n", plan.ranks,
               plan.fabric);
    fmt::print(text_, "# {:<14} {:>10}  {:<20} {:>9} {:>9}  {:<20} {:>9} {:>7}\n", "op", "bytes",
               "chosen", "predicted", "us", "fastest", "us", "slower");
  }

  void add(const Contest& contest, std::size_t bytes, const Verdict& verdict) {
    const bool missed = verdict.percent() > plan_.limit_percent;
    missed_ = missed_ || missed;
    fmt::print(text_, "  {:<14} {:>10}  {:<20} {:>9.2f} {:>9.2f}  {:<20} {:>9.2f} {:>6.1f}%{}\n",
               contest.name, bytes, name_of(verdict.chosen.choice), verdict.chosen.predicted_us,
               verdict.chosen.us, name_of(verdict.fastest.choice), verdict.fastest.us,
               verdict.percent(), missed ? "  missed" : "");
    std::fflush(text_);
    rows_.push_back({{"op", contest.name},
                     {"bytes", bytes},
                     {"chosen", name_of(verdict.chosen.choice)},
                     {"predicted_us", verdict.chosen.predicted_us},
                     {"us", verdict.chosen.us},
                     {"fastest", name_of(verdict.fastest.choice)},
                     {"fastest_us", verdict.fastest.us}});
  }

  void add_entrants(const std::vector<Entrant>& entrants) const {
    for (const Entrant& entrant : entrants) {
      fmt::print(text_, "  {:>25}  {:<20} {:>9.2f} {:>9.2f}\n", "", name_of(entrant.choice),
                 entrant.predicted_us, entrant.us);
    }
  }

  bool missed() const { return missed_; }
  bool empty() const { return rows_.empty(); }
  nlohmann::json report() const {
    return {{"schema", 1},
            {"error", nullptr},
            {"fabric", plan_.fabric},
            {"ranks", plan_.ranks},
            {"rows", rows_}};
  }

 private:
  const Plan& plan_;
  std::FILE* text_;
  bool missed_ = false;
  nlohmann::json rows_ = nlohmann::json::array();
};

void compete(const Plan& plan, int rank, tuttiComm_t comm, Race& race, Table& table) {
  // Without payload it is addresses that there are.
  constexpr std::size_t kMemory = std::size_t{2} << 30;
  constexpr std::size_t kAddresses = std::size_t{8} << 40;
  const std::size_t most_bytes = plan.most_bytes > 0 ? plan.most_bytes
                                 : plan.timing_only  ? kAddresses
                                                     : kMemory;
  const auto ranks = static_cast<std::size_t>(plan.ranks);
  const auto takes_part = [&](const AlgorithmChoice& choice) {
    return choice.group == 1 || plan.groups.empty() ||
           std::find(plan.groups.begin(), plan.groups.end(), choice.group) != plan.groups.end();
  };
  for (const Contest& contest : kContests) {
    if (!plan.ops.empty() && std::count(plan.ops.begin(), plan.ops.end(), contest.name) == 0) {
      continue;
    }
    for (const std::size_t bytes : sweep_sizes({.begin_bytes = parse_bytes(plan.begin),
                                   .end_bytes = parse_bytes(plan.end),
                                   .factor = 4})) {
      const std::size_t all = bytes * (contest.per_peer ? ranks : 1);
      if (2 * all * ranks > most_bytes) break;
      const Buffers buffers(all);
      const Request request{.kind = contest.kind,
                            .send = buffers.send(),
                            .recv = buffers.recv(),
                            .count = bytes,
                            .type = tuttiInt8};
      const std::vector<Entrant> entrants = race.run(comm, request, takes_part);
      if (rank == 0) {
        if (plan.all) table.add_entrants(entrants);
        table.add(contest, bytes, judge(entrants, comm->selection().choose(request)));
      }
    }
  }
}

struct Run {
  const Plan& plan;
  Race race;
  Table& table;
};

tuttiResult_t run_rank(int rank, int ranks, const tuttiUniqueId* id, void* user) {
  Run& run = *static_cast<Run*>(user);
  tuttiComm_t comm = nullptr;
  const tuttiResult_t code = tuttiCommInitRank(&comm, ranks, *id, rank);
  if (code != tuttiSuccess) return code;
  try {
    compete(run.plan, rank, comm, run.race, run.table);
  } catch (const Error& error) {
    fmt::print(stderr, "tutti-selection: rank {}: {}\n", rank, error.what());
    tuttiCommAbort(comm);
    return error.code();
  }
  return tuttiCommDestroy(comm);
}

void write_report(const Plan& plan, const nlohmann::json& report) {
  if (plan.json_file == "-") {
    std::cout << report.dump(2) << '\n';
  } else if (!plan.json_file.empty()) {
    std::ofstream out(plan.json_file);
    out << report.dump(2) << '\n';
    if (!out.flush()) throw std::runtime_error("cannot write " + plan.json_file);
  }
}

int run(int argc, char** argv) {
  Plan plan;
  CLI::App app("Chosen and fastest algorithm of every collective, on a simulated fabric");
  app.add_option("--fabric", plan.fabric, "A built-in profile, or the path of a JSON file");
  app.add_option("--per", plan.per, "What a rank is: die, package, ..");
  app.add_option("--ranks", plan.ranks, "Simulated ranks")->check(CLI::Range(2, 100'000));
  app.add_option("-b,--minbytes", plan.begin, "Smallest size; each is 4 times the one before");
  app.add_option("-e,--maxbytes", plan.end, "Largest size");
  app.add_option("--groups", plan.groups, "Sizes of groups that take part; default: all")
      ->delimiter(',');
  app.add_flag("--all", plan.all, "Also print every algorithm's time, in the order predicted");
  std::vector<std::string> names;
  names.reserve(std::size(kContests));
  for (const Contest& contest : kContests) names.emplace_back(contest.name);
  app.add_option("--ops", plan.ops, "Only these")->delimiter(',')->check(CLI::IsMember(names));
  app.add_flag("--timing-only", plan.timing_only, "Times without payload: larger sizes fit");
  app.add_option(
      "--most-bytes", plan.most_bytes,
      "Leaves out what takes more memory than this, for the buffers of all ranks; default: "
      "2 GiB, with --timing-only 8 TiB of addresses");
  app.add_option("--limit-percent", plan.limit_percent,
                 "Exit code 1 if a choice is slower by more");
  app.add_option("-J,--json", plan.json_file, "Write JSON to this file; - is stdout");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (parse_bytes(plan.begin) > parse_bytes(plan.end)) {
    throw std::invalid_argument(fmt::format("-b {} is above -e {}", plan.begin, plan.end));
  }
  for (const int group : plan.groups) {
    if (group >= 1 && group < plan.ranks && plan.ranks % group == 0) continue;
    throw std::invalid_argument(
        fmt::format("--groups: {} ranks do not make groups of {}", plan.ranks, group));
  }

  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  config.fabric = plan.fabric.c_str();
  config.rank_per = plan.per.empty() ? nullptr : plan.per.c_str();
  config.flags = plan.timing_only ? TUTTI_SIM_TIMING_ONLY : 0u;
  Table table(plan);
  Run run{.plan = plan, .race = Race(plan.ranks), .table = table};
  const tuttiResult_t code = tuttiSimRun(&config, plan.ranks, run_rank, &run, nullptr);
  nlohmann::json report = table.report();
  if (code != tuttiSuccess) report["error"] = {{"message", tuttiGetLastError(nullptr)}};
  write_report(plan, report);
  if (code != tuttiSuccess) throw std::runtime_error(tuttiGetLastError(nullptr));
  if (table.empty()) {
    throw std::runtime_error(
        "nothing was raced: the buffers of all ranks take more than --most-bytes");
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout.flush()) {
    throw std::runtime_error("cannot write to standard output");
  }
  return table.missed() ? 1 : 0;
}

}  // namespace
}  // namespace tutti::perf

int main(int argc, char** argv) {
  try {
    return tutti::perf::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-selection: {}\n", error.what());
    return 1;
  }
}
