#include "tests/sim/races/race_run.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>

#include "bootstrap/local_group.hpp"
#include "communicator/communicator.hpp"
#include "memory/heap.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {

RunMemory::~RunMemory() {
  for (void* const block : shared_) Heap::of_this_process().free(block);
}

std::byte* RunMemory::take(std::size_t bytes, bool shared) {
  if (!shared) return plain_.emplace_back(bytes).data();
  shared_.push_back(Heap::of_this_process().allocate(bytes));
  std::memset(shared_.back(), 0, bytes);
  return static_cast<std::byte*>(shared_.back());
}

std::string Scenario::test_name() const {
  std::string text = name;
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

void must(tuttiResult_t result, tuttiComm_t comm) {
  if (result != tuttiSuccess) {
    throw std::runtime_error(
        fmt::format("{}: {}", static_cast<int>(result), tuttiGetLastError(comm)));
  }
}

namespace {

struct DestroyComm {
  void operator()(tuttiComm_t comm) const { tuttiCommDestroy(comm); }
};

ub::SimulationOptions hostile(std::uint64_t seed, int ranks, ub::SyncFilter* filter) {
  // One rank is slower than the others, another one with each seed.
  const std::string straggler =
      fmt::format("straggler={}:{}", seed % static_cast<std::uint64_t>(ranks), 150 + seed % 7 * 50);
  ub::SimulationOptions options{.profile = ub::load_profile("cloudmatrix384", {&straggler, 1})};
  options.placement.ranks = ranks;
  options.jitter = {.percent = 60, .seed = seed};
  options.scheduler.reorder_seed = seed;
  options.payload_digest = false;
  options.races = ub::RaceOptions{.most_listed = 1, .stops = true, .filter = filter};
  return options;
}

}  // namespace

RunOutcome run_scenario(const Scenario& scenario, std::uint64_t seed, ub::SyncFilter* filter) {
  std::optional<ScopedVariable> forced;
  if (!scenario.algorithm.empty()) forced.emplace("TUTTI_ALGO", scenario.algorithm);
  RunMemory memory;
  LocalGroup group(scenario.ranks, std::chrono::seconds(120));
  std::string wrong;
  ub::Simulation simulation(hostile(seed, scenario.ranks, filter));
  const ub::SimulationReport report = simulation.run([&](int rank) {
    try {
      Settings settings = Settings::read(nullptr, "races");
      settings.transport = "ub";
      const auto bootstrap = group.bootstrap(rank);
      const std::unique_ptr<tuttiComm, DestroyComm> comm(
          std::make_unique<tuttiComm>(*bootstrap, settings).release());
      RankOfRun self{rank, scenario.ranks, comm.get(), memory};
      scenario.body(self);
    } catch (const std::exception& error) {
      if (wrong.empty()) wrong = fmt::format("rank {}: {}", rank, error.what());
    }
  });
  RunOutcome outcome{.found = {}, .races = report.races_found, .arrivals = report.arrivals};
  if (!report.races.empty()) {
    outcome.found = report.races.front();
  } else if (!report.deadlocks.empty()) {
    outcome.found = report.deadlocks.front();
  } else if (!wrong.empty()) {
    outcome.found = wrong;
  } else if (!report.all_finished()) {
    outcome.found = "a rank has not finished";
  }
  return outcome;
}

}  // namespace tutti::test
