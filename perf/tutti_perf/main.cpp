// tutti-perf: measures and verifies Tutti's operations with nccl-tests' options and columns.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "perf/common/commit.hpp"
#include "perf/common/machine.hpp"
#include "perf/tutti_perf/fabric_time.hpp"
#include "perf/tutti_perf/fabric_world.hpp"
#include "perf/tutti_perf/library.hpp"
#include "perf/tutti_perf/p2p.hpp"
#include "perf/tutti_perf/session.hpp"
#include "perf/tutti_perf/world.hpp"

namespace tutti::perf {
namespace {

std::string library_version() {
  int version = 0;
  check(tuttiGetVersion(&version), nullptr);
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

Report make_report(const Options& options, int ranks) {
  Report report{.tutti = library_version(), .commit = commit(), .op = options.word};
  report.ranks = ranks;
  report.rank_kind = options.threads ? "thread" : "process";
  report.transport = options.transport.empty() ? "default" : options.transport;
  if (options.fabric.given()) {
    report.rank_kind = "fibre";
    report.transport = "ub";
    report.fabric = options.fabric.name;
    report.clock = "virtual";
    report.simulation = SimulationFacts{.per = options.fabric.per,
                                        .level = options.fabric.level,
                                        .settings = options.fabric.settings};
  }
  report.machine = describe_machine();
  return report;
}

// What the ranks of this process have in common.
struct Shared {
  const Options& options;
  Board& board;
  Report& report;
  TimeKeeper& time;
  Routings routings{};
  ReducedValues reduced{};
};

void measure_all(Shared& shared, tuttiComm_t comm) {
  const Options& options = shared.options;
  Board& board = shared.board;
  Report& report = shared.report;
  int rank = 0, ranks = 0;
  check(tuttiCommUserRank(comm, &rank), comm);
  check(tuttiCommCount(comm, &ranks), comm);
  if (options.root >= ranks) {
    throw Error(tuttiInvalidArgument,
                fmt::format("-r {}: there are only {} ranks", options.root, ranks));
  }
  std::size_t lines = 0;
  for (const Op op : options.ops) lines += count_lines(options, op);
  Console console(options, rank != 0, lines);
  if (options.ranks == 0) report.rank = rank;
  if (rank == 0) {
    report.ranks = ranks;  // known only here in a launcher's world
    console.print_head(report);
  }
  const Session session{.options = options,
                        .board = board,
                        .console = console,
                        .time = shared.time,
                        .routings = shared.routings,
                        .reduced = options.fabric.given() ? &shared.reduced : nullptr,
                        .comm = comm,
                        .rank = rank,
                        .ranks = ranks,
                        .oversubscribed = !options.fabric.given() && ranks > report.machine.cores};
  for (const Op op : options.ops) {
    if (op == Op::kMoe) {
      measure_moe(session);
    } else {
      measure_collective(session, op);
    }
  }
  if (rank == 0) console.print_foot(board.anything_wrong());
}

int run_p2p(const Options& options) {
  Report report = make_report(options, options.ranks);
  Console console(options, false, 0);
  std::size_t wrong = 0;
  try {
    measure_p2p(options, console, report);
    console.print_facts(*report.simulation);
    for (const Row& row : report.rows) wrong += row.wrong.value_or(0);
  } catch (const Error& error) {
    report.error =
        RunError{.code = error.code(), .message = error.what(), .culprits = error.culprits()};
    fmt::print(stderr, "tutti-perf: {}\n", error.what());
  }
  report.peak_bytes = report.simulation->peak_resident_bytes;
  if (!options.json_path.empty()) write_json(report, options.json_path);
  return report.error || wrong > 0 ? 1 : 0;
}

// In a launcher's world every rank is a program of its own, and rank 0's writes the report; where
// they did not come so far as to know who that is, everybody says what was wrong.
bool writes_report(const Options& options, const Report& report) {
  return options.ranks > 0 || report.rank.value_or(0) == 0;
}

void finish_report(const Options& options, const Board& board, Report& report) {
  report.startup_ms = board.startup_ms();
  report.peak_bytes = board.peak_bytes();
  report.error =
      report.simulation && report.simulation->error ? report.simulation->error : board.failure();
  report.rows_json = board.rows();
  if (report.error) {
    fmt::print(stderr, "tutti-perf: {}\n", report.error->message);
  }
  if (!options.json_path.empty() && writes_report(options, report)) {
    write_json(report, options.json_path);
  }
}

void run_simulated(const Options& options, Board& board, Report& report) {
  FabricTime time;
  Shared shared{.options = options, .board = board, .report = report, .time = time};
  report.simulation =
      run_on_fabric(options, board, [&](tuttiComm_t comm) { measure_all(shared, comm); });
  if (!report.simulation->error) Console(options, false, 0).print_facts(*report.simulation);
}

void run_real(const Options& options, Board& board, Report& report) {
  WallTime time;
  Shared shared{.options = options, .board = board, .report = report, .time = time};
  run_ranks(options, board, [&](tuttiComm_t comm) { measure_all(shared, comm); });
}

int run(const Options& options) {
  if (options.p2p) return run_p2p(options);
  if (!options.algorithm.empty()) setenv("TUTTI_ALGO", options.algorithm.c_str(), 1);
  if (!options.transport.empty()) setenv("TUTTI_TRANSPORT", options.transport.c_str(), 1);
  Report report = make_report(options, options.ranks);
  Board board(options.ranks == 0 ? 1 : options.ranks);
  try {
    options.fabric.given() ? run_simulated(options, board, report)
                           : run_real(options, board, report);
  } catch (const Error& error) {
    board.fail(0, error.code(), error.what(), error.culprits());
  }
  finish_report(options, board, report);
  return report.error || board.anything_wrong() ? 1 : 0;
}

}  // namespace
}  // namespace tutti::perf

int main(int argc, char** argv) {
  try {
    return tutti::perf::run(tutti::perf::parse_options(argc, argv));
  } catch (const tutti::perf::OptionsExit& exit) {
    fmt::print(exit.code == 0 ? stdout : stderr, "{}", exit.text);
    return exit.code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tutti-perf: {}\n", error.what());
    return 1;
  }
}
