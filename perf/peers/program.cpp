#include "perf/peers/program.hpp"

#include <sys/resource.h>

#include <exception>
#include <iostream>

#include "perf/common/commit.hpp"
#include "perf/common/report.hpp"
#include "perf/peers/collective_run.hpp"
#include "perf/peers/moe_run.hpp"
#include "perf/peers/sampling.hpp"

namespace tutti::perf {
namespace {

std::size_t peak_bytes(Peer& peer) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return total(peer, static_cast<std::size_t>(usage.ru_maxrss) * 1024);
}

Report empty_report(const Peer& peer, const PeerOptions& options, double startup_ms) {
  Report report;
  report.peer = peer.name();
  report.peer_version = peer.version();
  report.commit = commit();
  report.op = op_name(options.op);
  report.ranks = peer.ranks();
  report.transport = peer.transport();
  report.machine = describe_machine();
  report.startup_ms = startup_ms;
  return report;
}

void run_rows(Peer& peer, const PeerOptions& options, Report& report) {
  const bool oversubscribed = peer.ranks() > report.machine.cores;
  const bool print = peer.rank() == 0 && options.json_path != "-";
  if (print) std::cout << table_heading();
  const auto keep = [&](Row row) {
    row.algorithm = peer.name();
    row.oversubscribed = oversubscribed;
    if (print) std::cout << table_line(row) << std::flush;
    report.rows.push_back(std::move(row));
  };
  if (options.op == Op::kMoe) {
    for (Row& row : run_moe(peer, options)) keep(std::move(row));
    return;
  }
  const auto sizes =
      options.op == Op::kBarrier ? std::vector<std::size_t>{0} : sweep_sizes(options.sweep);
  for (const std::size_t bytes : sizes) keep(run_collective(peer, options, bytes));
}

}  // namespace

int run_program(Peer& peer, const PeerOptions& options, double startup_ms) {
  Report report = empty_report(peer, options, startup_ms);
  int code = 0;
  try {
    run_rows(peer, options, report);
    report.peak_bytes = peak_bytes(peer);
  } catch (const std::exception& error) {
    report.error = RunError{kFailedAlone, error.what(), {peer.rank()}};
    std::cerr << "rank " << peer.rank() << ": " << error.what() << "\n";
    code = kFailedAlone;
  }
  for (const Row& row : report.rows) {
    if (row.wrong.value_or(0) != 0) code = code == 0 ? 1 : code;
  }
  if (peer.rank() == 0 && !options.json_path.empty()) write_json(report, options.json_path);
  return code;
}

}  // namespace tutti::perf
