#include "perf/tutti_perf/fabric_world.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "perf/common/stopwatch.hpp"
#include "perf/tutti_perf/culprits.hpp"
#include "perf/tutti_perf/library.hpp"
#include "perf/tutti_perf/memory_need.hpp"

namespace tutti::perf {
namespace {

struct World {
  Board& board;
  const RankMain& main;
};

tuttiResult_t fabric_rank(int rank, int ranks, const tuttiUniqueId* id, void* user) {
  const World& world = *static_cast<const World*>(user);
  const auto join = [&] {
    tuttiComm_t comm = nullptr;
    check(tuttiCommInitRank(&comm, ranks, *id, rank), nullptr);
    return comm;
  };
  if (run_rank(world.board, rank, join, world.main)) return tuttiSuccess;
  return static_cast<tuttiResult_t>(world.board.failure_of(rank)->code);
}

// The simulation's sentence has the library's, and says when, and who waits for whom. What this
// program itself found wrong it does not know.
RunError failure_of(const Board& board, tuttiResult_t code, int first_failed_rank) {
  std::string text = tuttiGetLastError(nullptr);
  std::optional<RunError> own;
  if (first_failed_rank >= 0) own = board.failure_of(first_failed_rank);
  const bool ended_by_own_code = own && own->code == code;  // and not because its node failed
  if (ended_by_own_code && text.find(own->message) == std::string::npos) return *own;
  return {.code = code, .message = text, .culprits = own ? own->culprits : named_ranks(text)};
}

tuttiResult_t idle_rank(int, int, const tuttiUniqueId*, void*) { return tuttiSuccess; }

// What is wrong with the configuration is said before that its ranks would not fit.
void check_room(const Options& options, const tuttiSimConfig_t& config) {
  try {
    check_memory(options, options.ranks, Board::available_memory());
  } catch (const Error&) {
    tuttiSimResult_t result = TUTTI_SIM_RESULT_INITIALIZER;
    check(tuttiSimRun(&config, options.ranks, idle_rank, nullptr, &result), nullptr);
    throw;
  }
}

}  // namespace

std::size_t most_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) << 10;
}

SimulationFacts run_on_fabric(const Options& options, Board& board, const RankMain& main) {
  std::vector<const char*> settings;
  const tuttiSimConfig_t config = sim_config(options.fabric, settings);
  tuttiSimResult_t result = TUTTI_SIM_RESULT_INITIALIZER;
  check_room(options, config);
  World world{.board = board, .main = main};
  const double start = now_us();
  const tuttiResult_t code = tuttiSimRun(&config, options.ranks, fabric_rank, &world, &result);
  const double wall_s = (now_us() - start) / 1e6;
  SimulationFacts facts{.per = options.fabric.per,
                        .level = options.fabric.level,
                        .timing_only = options.fabric.timing_only,
                        .settings = options.fabric.settings,
                        .arrivals_digest = result.arrivals_digest,
                        .payload_digest = result.payload_digest,
                        .end_us = static_cast<double>(result.end_ps) / 1e6,
                        .bound_us = static_cast<double>(result.bound_ps) / 1e6,
                        .transfers = result.transfers,
                        .bytes = result.bytes,
                        .events = result.events,
                        .wall_s = wall_s,
                        .peak_resident_bytes = most_resident_bytes()};
  if (code != tuttiSuccess) facts.error = failure_of(board, code, result.first_failed_rank);
  return facts;
}

}  // namespace tutti::perf
