// tutti-perf: measures and verifies Tutti's operations with nccl-tests' options and columns.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "perf/common/commit.hpp"
#include "perf/common/machine.hpp"
#include "perf/tutti_perf/library.hpp"
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
  report.transport = options.transport.empty() ? "shm" : options.transport;
  report.machine = describe_machine();
  return report;
}

void measure_all(const Options& options, Board& board, Report& report, tuttiComm_t comm) {
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
  if (rank == 0) {
    report.ranks = ranks;  // known only here in a launcher's world
    console.print_head(report);
  }
  const Session session{.options = options,
                        .board = board,
                        .console = console,
                        .comm = comm,
                        .rank = rank,
                        .ranks = ranks,
                        .oversubscribed = ranks > report.machine.cores};
  for (const Op op : options.ops) {
    if (op == Op::kMoe) {
      measure_moe(session);
    } else {
      measure_collective(session, op);
    }
  }
  if (rank == 0) console.print_foot(board.anything_wrong());
}

// In a launcher's world every rank is a program of its own, and rank 0's writes the report.
bool writes_report(const Options& options) {
  if (options.ranks > 0) return true;
  const char* rank = std::getenv("TUTTI_RANK");
  return rank == nullptr || std::atoi(rank) == 0;
}

void finish_report(const Options& options, const Board& board, Report& report) {
  report.startup_ms = board.startup_ms();
  report.peak_bytes = board.peak_bytes();
  report.error = board.failure();
  report.rows_json = board.rows();
  if (report.error) {
    fmt::print(stderr, "tutti-perf: {}\n", report.error->message);
  }
  if (!options.json_path.empty() && writes_report(options)) {
    write_json(report, options.json_path);
  }
}

int run(const Options& options) {
  if (!options.algorithm.empty()) setenv("TUTTI_ALGO", options.algorithm.c_str(), 1);
  if (!options.transport.empty()) setenv("TUTTI_TRANSPORT", options.transport.c_str(), 1);
  Report report = make_report(options, options.ranks);
  Board board(options.ranks == 0 ? 1 : options.ranks);
  try {
    run_ranks(options, board, [&](tuttiComm_t comm) { measure_all(options, board, report, comm); });
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
