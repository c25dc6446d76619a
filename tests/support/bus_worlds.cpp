// Ranks are fibres on the simulated bus: an ideal fabric, one of bare wires, and one whose software
// costs, whose messages are cells, and on which whose turn it is at equal times is left to a seed.
#include <gtest/gtest.h>

#include "bootstrap/local_group.hpp"
#include "communicator/communicator.hpp"
#include "tests/support/bus_world.hpp"
#include "tests/support/scale.hpp"

namespace tutti::test {

ub::SimulationReport run_on_bus(ub::SimulationOptions options, int ranks, const World::Body& body) {
  options.placement.ranks = ranks;
  ub::Simulation simulation(std::move(options));
  LocalGroup group(ranks, std::chrono::seconds(120));
  ub::SimulationReport report = simulation.run([&](int rank) {
    Settings settings = Settings::read(nullptr, "simulated");
    settings.transport = "ub";
    const auto bootstrap = group.bootstrap(rank);
    const tuttiComm_t comm = std::make_unique<tuttiComm>(*bootstrap, settings).release();
    body(rank, comm);
    EXPECT_EQ(tuttiCommDestroy(comm), tuttiSuccess) << tuttiGetLastError(nullptr);
  });
  for (int rank = 0; rank < ranks; ++rank) {
    const ub::RankEnd& end = report.ranks[static_cast<std::size_t>(rank)];
    EXPECT_EQ(end.how, ub::RankEnd::How::kFinished) << "rank " << rank << ": " << end.why;
  }
  for (const std::string& deadlock : report.deadlocks) ADD_FAILURE() << deadlock;
  EXPECT_GE(report.last_arrival, report.bound);
  return report;
}

std::span<const World> worlds() {
  constexpr std::size_t kLargest = 70'001;
  static constexpr World kWorlds[] = {
      {"ub_ideal", false, kLargest,
       [](int ranks, const World::Body& body) {
         run_on_bus({.profile = ub::load_profile("ideal")}, ranks, body);
       }},
      {"ub_wire", false, kLargest,
       [](int ranks, const World::Body& body) {
         run_on_bus({.profile = ub::load_profile("cloudmatrix384-wire")}, ranks, body);
       }},
      {"ub_hostile", false, kLargest,
       [](int ranks, const World::Body& body) {
         run_on_bus({.profile = ub::load_profile("cloudmatrix384"),
                     .fabric = {.level = ub::ModelLevel::kCell,
                                .spraying = ub::Spraying::kPerCell,
                                .cell_bytes = 4096},
                     .scheduler = {.reorder_seed = 1}},
                    ranks, body);
       }},
  };
  // What sanitizers look for does not depend on the fabric: under them the one that mixes most.
  return kSanitized ? std::span(kWorlds).last(1) : std::span(kWorlds);
}

}  // namespace tutti::test
