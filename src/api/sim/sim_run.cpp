// Running a program's ranks on a simulated fabric.
#include <tutti/sim.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/boundary.hpp"
#include "api/sim/pictures.hpp"
#include "api/sim/sim_options.hpp"
#include "transports/ub/bus/simulation.hpp"

using tutti::fail;
using tutti::api::guarded;
using tutti::api::need;
using tutti::api::Pictures;

namespace ub = tutti::ub;

namespace {

tuttiSimConfig_t checked(const tuttiSimConfig_t* given) {
  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  if (given == nullptr) return config;
  if (given->size != sizeof(config)) {
    fail(tuttiInvalidArgument,
         "config->size is {}, expected {}: start from TUTTI_SIM_CONFIG_INITIALIZER", given->size,
         sizeof(config));
  }
  config = *given;
  if (config.flags > TUTTI_SIM_CHECK_RACES) {
    fail(tuttiInvalidArgument,
         "config->flags is {:#x}, expected 0, TUTTI_SIM_TIMING_ONLY or TUTTI_SIM_CHECK_RACES, and "
         "not both: races are looked for where payload moves",
         config.flags);
  }
  if (config.num_nodes < 0 || (config.nodes == nullptr) != (config.num_nodes == 0)) {
    fail(tuttiInvalidArgument, "config->num_nodes is {} and nodes is {}", config.num_nodes,
         config.nodes == nullptr ? "NULL" : "given");
  }
  if (config.level != tuttiSimBound && config.level != tuttiSimMessage &&
      config.level != tuttiSimCell) {
    fail(tuttiInvalidArgument, "config->level is {}, expected bound (0), message (1) or cell (2)",
         static_cast<int>(config.level));
  }
  if (config.cell_bytes != 0 && (config.cell_bytes < 512 || config.cell_bytes > 4096)) {
    fail(tuttiInvalidArgument, "config->cell_bytes is {}, expected 512 to 4096, or 0",
         config.cell_bytes);
  }
  constexpr std::size_t kLeastStack = std::size_t{64} << 10;
  constexpr std::size_t kMostStack = std::size_t{1} << 30;
  if (config.stack_bytes != 0 &&
      (config.stack_bytes < kLeastStack || config.stack_bytes > kMostStack)) {
    fail(tuttiInvalidArgument, "config->stack_bytes is {}, expected {} to {}, or 0",
         config.stack_bytes, kLeastStack, kMostStack);
  }
  if (config.num_settings < 0 || (config.settings == nullptr) != (config.num_settings == 0)) {
    fail(tuttiInvalidArgument, "config->num_settings is {} and settings is {}", config.num_settings,
         config.settings == nullptr ? "NULL" : "given");
  }
  for (int i = 0; i < config.num_settings; ++i) {
    if (config.settings[i] == nullptr) {
      fail(tuttiInvalidArgument, "config->settings[{}] is NULL, expected PATH=VALUE", i);
    }
  }
  if (config.jitter_percent < -1 || config.jitter_percent > 100) {
    fail(tuttiInvalidArgument, "config->jitter_percent is {}, expected 0 to 100, or -1",
         config.jitter_percent);
  }
  constexpr std::uint64_t kLongest = std::uint64_t{1} << 53;  // a hundred days
  if (config.time_limit_ns > kLongest) {
    fail(tuttiInvalidArgument, "config->time_limit_ns is {}, expected at most {}",
         config.time_limit_ns, kLongest);
  }
  return config;
}

// Of a run that is to be shown.
constexpr std::uint64_t kMostRecord = std::uint64_t{4} << 30;

ub::SimulationOptions options_of(const tuttiSimConfig_t& config, int nranks) {
  const std::vector<std::string> settings(config.settings, config.settings + config.num_settings);
  ub::SimulationOptions options{
      .profile =
          ub::load_profile(config.fabric != nullptr ? config.fabric : "cloudmatrix384", settings)};
  options.placement.ranks = nranks;
  if (config.rank_per != nullptr) options.placement.per = config.rank_per;
  if (config.nodes != nullptr) {
    options.placement.nodes.assign(config.nodes, config.nodes + config.num_nodes);
  }
  options.fabric.level = config.level == tuttiSimBound  ? ub::ModelLevel::kBound
                         : config.level == tuttiSimCell ? ub::ModelLevel::kCell
                                                        : ub::ModelLevel::kMessage;
  if (config.cell_bytes != 0) {
    options.fabric.cell_bytes = static_cast<std::uint32_t>(config.cell_bytes);
  }
  options.fabric.seed = config.seed;
  options.timing_only = (config.flags & TUTTI_SIM_TIMING_ONLY) != 0;
  options.payload_digest = !options.timing_only;
  if (config.trace != nullptr || config.report != nullptr) options.record_bytes = kMostRecord;
  if ((config.flags & TUTTI_SIM_CHECK_RACES) != 0) options.races.emplace();
  if (config.jitter_percent >= 0) options.jitter.percent = config.jitter_percent;
  options.jitter.seed = config.jitter_seed;
  if (config.reorder_seed != 0) options.scheduler.reorder_seed = config.reorder_seed;
  if (config.stack_bytes != 0) options.scheduler.stack_bytes = config.stack_bytes;
  if (config.time_limit_ns != 0) {
    options.scheduler.limit = tutti::Nanoseconds(static_cast<std::int64_t>(config.time_limit_ns));
  }
  return options;
}

// A body's last word.
struct Verdict {
  tuttiResult_t code = tuttiSuccess;
  std::string why;
};

struct Failure {
  int rank;
  tutti::Error error;
};

std::string in_us(ub::Picoseconds time) {
  return fmt::format("at {}.{:06} us", time.count() / 1'000'000, time.count() % 1'000'000);
}

tutti::Error failure_of(int rank, const ub::RankEnd& end, const Verdict& verdict) {
  const auto error = [rank](tuttiResult_t code, const std::string& text) {
    return tutti::Error(code, text, {rank});
  };
  switch (end.how) {
    case ub::RankEnd::How::kFailed:
      return error(tuttiInvalidUsage,
                   fmt::format("rank {} threw {}: {}", rank, in_us(end.at), end.why));
    case ub::RankEnd::How::kDied:
      return error(tuttiRemoteError,
                   fmt::format("rank {} died {}, as {}", rank, in_us(end.at), end.why));
    case ub::RankEnd::How::kStuck:
      return error(tuttiTimeout,
                   fmt::format("rank {} never ended: since {} it waits for {}", rank,
                               in_us(end.at).substr(3), end.why.empty() ? "its turn" : end.why));
    case ub::RankEnd::How::kFinished:
      break;
  }
  return error(verdict.code,
               fmt::format("rank {} returned {} {}{}{}", rank, tuttiGetErrorString(verdict.code),
                           in_us(end.at), verdict.why.empty() ? "" : ": ", verdict.why));
}

// Of those that failed, who did so first; those that waited for ever are what comes of it.
std::optional<Failure> first_failure(const ub::SimulationReport& report,
                                     const std::vector<Verdict>& verdicts) {
  std::optional<std::size_t> first;
  const auto order = [&](std::size_t rank) {
    const ub::RankEnd& end = report.ranks[rank];
    return std::pair(end.how == ub::RankEnd::How::kStuck, end.at);
  };
  for (std::size_t rank = 0; rank < report.ranks.size(); ++rank) {
    const bool good = report.ranks[rank].how == ub::RankEnd::How::kFinished &&
                      verdicts[rank].code == tuttiSuccess;
    if (!good && (!first || order(rank) < order(*first))) first = rank;
  }
  if (!first) return std::nullopt;
  const int rank = static_cast<int>(*first);
  return Failure{rank, failure_of(rank, report.ranks[*first], verdicts[*first])};
}

void fill(tuttiSimResult_t& result, const ub::SimulationReport& report,
          const std::vector<Verdict>& verdicts) {
  const auto number = [](ub::Picoseconds time) { return static_cast<std::uint64_t>(time.count()); };
  result.end_ps = number(report.end);
  result.last_arrival_ps = number(report.last_arrival);
  result.bound_ps = number(report.bound);
  result.arrivals_digest = report.arrivals;
  result.payload_digest = report.payload;
  result.transfers = report.transfers;
  result.bytes = report.bytes;
  result.events = report.events;
  result.finished_ranks = 0;
  for (std::size_t rank = 0; rank < verdicts.size(); ++rank) {
    if (report.ranks[rank].how == ub::RankEnd::How::kFinished &&
        verdicts[rank].code == tuttiSuccess) {
      ++result.finished_ranks;
    }
  }
}

void run(const tuttiSimConfig_t* given, int nranks, tuttiSimBody_t body, void* user,
         tuttiSimResult_t* result) {
  if (result != nullptr && result->size != sizeof(*result)) {
    fail(tuttiInvalidArgument,
         "result->size is {}, expected {}: start from TUTTI_SIM_RESULT_INITIALIZER", result->size,
         sizeof(*result));
  }
  if (body == nullptr) fail(tuttiInvalidArgument, "body is NULL");
  if (tutti::current_context().host != nullptr) {
    fail(tuttiInvalidUsage, "a rank of a simulation cannot run another one");
  }
  const tuttiSimConfig_t config = checked(given);
  ub::SimulationOptions options = options_of(config, nranks);
  Pictures pictures(config);
  ub::Simulation simulation(std::move(options));
  const tuttiUniqueId id = simulation.meetings().host();
  std::vector<Verdict> verdicts(static_cast<std::size_t>(nranks));
  const ub::SimulationReport report = simulation.run([&](int rank) {
    Verdict& verdict = verdicts[static_cast<std::size_t>(rank)];
    verdict.code = body(rank, nranks, &id, user);
    if (verdict.code != tuttiSuccess) verdict.why = tutti::current_context().last_error;
  });
  if (result != nullptr) {
    fill(*result, report, verdicts);
    result->first_failed_rank = -1;
  }
  const std::optional<Failure> failure = first_failure(report, verdicts);
  pictures.write(simulation, report, failure.has_value());
  if (!failure && report.races.empty()) return;
  if (!failure) {
    fail(tuttiInternalError, "{} races, the first of which: {}", report.races_found,
         report.races.front());
  }
  if (result != nullptr) result->first_failed_rank = failure->rank;
  std::string text = failure->error.what();
  if (report.late) {
    text = fmt::format("the time limit of {} ns has passed; {}", config.time_limit_ns, text);
  }
  if (!report.deadlocks.empty()) text += "; " + report.deadlocks.front();
  throw tutti::Error(failure->error.code(), text, {failure->rank});
}

}  // namespace

ub::SimulationOptions tutti::api::simulation_options(const tuttiSimConfig_t* config, int nranks) {
  return options_of(checked(config), nranks);
}

tuttiResult_t tuttiSimRun(const tuttiSimConfig_t* config, int nranks, tuttiSimBody_t body,
                          void* user, tuttiSimResult_t* result) {
  return guarded(nullptr, [&] { run(config, nranks, body, user, result); });
}
