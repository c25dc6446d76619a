#include "perf/tutti_perf/p2p.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/sim/sim_options.hpp"
#include "bootstrap/local_group.hpp"
#include "perf/common/stopwatch.hpp"
#include "perf/tutti_perf/fabric_world.hpp"
#include "perf/tutti_perf/p2p_pair.hpp"
#include "transports/ub/trace/chrome_trace.hpp"

namespace tutti::perf {
namespace {

constexpr std::uint64_t kMostRecord = std::uint64_t{4} << 30;
constexpr Nanoseconds kMeetingDeadline = std::chrono::hours(24);  // virtual

// As many as fill a node and begin the next one, where there is one.
int enough_ranks(const ub::Profile& profile, const ub::RankPlacement& placement) {
  const int level =
      placement.per.empty() ? profile.rank_levels.front() : profile.level_named(placement.per);
  if (level < 0) return 1;  // for the topology to refuse
  const std::int64_t per_node = profile.units(level, profile.node_level);
  const int top = static_cast<int>(profile.levels.size()) - 1;
  const std::int64_t all = placement.nodes.empty()
                               ? profile.units(level, top) * profile.levels.back().count
                               : per_node * static_cast<std::int64_t>(placement.nodes.size());
  return static_cast<int>(std::min(per_node + 1, all));
}

std::vector<P2pPeer> peers_of(const ub::Topology& topology) {
  std::vector<P2pPeer> peers;
  std::vector<bool> seen(topology.profile().hops.size());
  for (int rank = 1; rank < topology.ranks(); ++rank) {
    const auto hop = static_cast<std::size_t>(topology.hop(0, rank));
    if (seen[hop]) continue;
    seen[hop] = true;
    const auto hop_class = static_cast<std::size_t>(topology.profile().hops[hop].hop_class);
    peers.push_back({rank, std::string(ub::kHopClassNames[hop_class])});
  }
  return peers;
}

struct PairCase {
  bool puts;
  P2pPeer peer;
  std::size_t bytes;
  std::vector<double> times_us{};  // [sample]
  std::size_t wrong = 0;
};

std::vector<PairCase> cases_of(const Options& options, const std::vector<P2pPeer>& peers) {
  std::vector<PairCase> cases;
  for (const bool puts : {true, false}) {
    if (!(puts ? options.p2p->put : options.p2p->view)) continue;
    for (const P2pPeer& peer : peers) {
      for (const std::size_t bytes : sweep_sizes(options.sweep)) {
        cases.push_back({.puts = puts, .peer = peer, .bytes = bytes});
      }
    }
  }
  return cases;
}

// What each rank runs. The first round of a case is warm-up: memory is touched, as everywhere.
void run_cases(const Options& options, Bootstrap& bootstrap, PairNotes& notes,
               std::vector<PairCase>& cases) {
  PairEnd end(bootstrap, options.sweep.end_bytes);
  std::uint64_t round = 0;
  for (PairCase& c : cases) {
    for (int i = -options.warmup; i < options.samples; ++i) {
      ++round;
      c.puts ? end.put(c.peer.rank, c.bytes, round, notes)
             : end.view(c.peer.rank, c.bytes, round, notes);
      if (bootstrap.rank() != 0) continue;
      c.wrong += std::exchange(notes.wrong, 0);
      if (i >= 0) {
        c.times_us.push_back(static_cast<double>((notes.ended - notes.started).count()) / 1e6);
      }
    }
  }
  bootstrap.all_gather({}, {});  // nobody leaves before rank 0 has read the last notes
}

Row row_of(const Options& options, const ub::Topology& topology, const PairCase& c) {
  Row row{.op = c.puts ? "put" : "view",
          .bytes = c.bytes,
          .per_peer_bytes = c.bytes,
          .count = c.bytes,
          .type = "uint8",
          .buffers = "symmetric",
          .mode = "latency",
          .phase = c.peer.hop_class,
          .iters = c.times_us.size()};
  const auto direction = c.puts ? ub::Direction::kWrite : ub::Direction::kRead;
  row.bound_us =
      static_cast<double>(topology.path(0, c.peer.rank, direction).port.time(c.bytes).count()) /
      1e6;
  row.time_us = summarize(c.times_us, 1);
  row.algbw = row.busbw = static_cast<double>(c.bytes) / row.time_us.p50 / 1e3;
  if (options.check) row.wrong = c.wrong;
  return row;
}

void check_ends(const ub::SimulationReport& report) {
  for (std::size_t rank = 0; rank < report.ranks.size(); ++rank) {
    const ub::RankEnd& end = report.ranks[rank];
    if (end.how == ub::RankEnd::How::kFinished) continue;
    throw Error(end.how == ub::RankEnd::How::kDied ? tuttiRemoteError : tuttiInternalError,
                fmt::format("rank {} did not finish: {}", rank,
                            end.how == ub::RankEnd::How::kDied ? "its node failed" : end.why),
                {static_cast<int>(rank)});
  }
}

}  // namespace

void measure_p2p(const Options& options, Console& console, Report& report) {
  const double start = now_us();
  std::vector<const char*> settings;
  const tuttiSimConfig_t config = sim_config(options.fabric, settings);
  ub::SimulationOptions wanted = api::simulation_options(&config, options.ranks);
  if (options.ranks == 0) {
    wanted.placement.ranks = enough_ranks(wanted.profile, wanted.placement);
  }
  const int ranks = report.ranks = wanted.placement.ranks;
  std::optional<ub::OutputFile> trace;
  if (!options.fabric.trace.empty()) {
    wanted.record_bytes = kMostRecord;
    trace.emplace(options.fabric.trace);
  }
  const ub::Topology topology(wanted.profile, wanted.placement);
  std::vector<PairCase> cases = cases_of(options, peers_of(topology));
  ub::Simulation simulation(std::move(wanted));
  LocalGroup group(ranks, kMeetingDeadline);
  PairNotes notes;
  report.startup_ms = (now_us() - start) / 1e3;
  const ub::SimulationReport run = simulation.run([&](int rank) {
    const auto bootstrap = group.bootstrap(rank);
    run_cases(options, *bootstrap, notes, cases);
  });
  check_ends(run);
  if (trace) ub::write_chrome_trace(*trace, *simulation.record(), topology, run);
  console.print_head(report);
  console.begin_pairs();
  for (const PairCase& c : cases) {
    report.rows.push_back(row_of(options, topology, c));
    console.print_pair(report.rows.back());
  }
  SimulationFacts& facts = *report.simulation;
  facts.arrivals_digest = run.arrivals;
  facts.payload_digest = run.payload;
  facts.end_us = static_cast<double>(run.end.count()) / 1e6;
  facts.bound_us = static_cast<double>(run.bound.count()) / 1e6;
  facts.transfers = run.transfers;
  facts.bytes = run.bytes;
  facts.events = run.events;
  facts.wall_s = (now_us() - start) / 1e6;
  facts.peak_resident_bytes = most_resident_bytes();
}

}  // namespace tutti::perf
