#include "tests/transport/kinds.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "bootstrap/local_group.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/transport/fake_network.hpp"
#include "transports/ub/bus/simulation.hpp"

namespace tutti::test {

namespace {

constexpr Nanoseconds kDeadline = std::chrono::seconds(120);

void run_on_bus(ub::SimulationOptions options, int ranks, const TransportKind::Body& body) {
  options.placement.ranks = ranks;
  ub::Simulation simulation(std::move(options));
  LocalGroup group(ranks, kDeadline);
  const ub::SimulationReport report =
      simulation.run([&](int rank) { body(group.bootstrap(rank)); });
  for (int rank = 0; rank < ranks; ++rank) {
    const ub::RankEnd& end = report.ranks[static_cast<std::size_t>(rank)];
    EXPECT_EQ(end.how, ub::RankEnd::How::kFinished) << "rank " << rank << ": " << end.why;
  }
  for (const std::string& deadlock : report.deadlocks) ADD_FAILURE() << deadlock;
}

}  // namespace

void run_on_threads(int ranks, const TransportKind::Body& body) {
  LocalGroup group(ranks, kDeadline);
  on_ranks(ranks, [&](int rank) {
    try {
      body(group.bootstrap(rank));
    } catch (const std::exception& error) {
      ADD_FAILURE() << "rank " << rank << ": " << error.what();
    }
  });
}

std::unique_ptr<Transport> open_hybrid(Bootstrap& bootstrap) {
  static const ScopedVariable together("TUTTI_RANKS_PER_HOST", "2");
  return open_transport("shm+tcp", bootstrap, kTransportTimeout);
}

#ifdef TUTTI_UNIX_PLUGIN
std::unique_ptr<Transport> open_plugin(Bootstrap& bootstrap) {
  static const ScopedVariable named("TUTTI_TRANSPORT_PLUGIN", TUTTI_UNIX_PLUGIN);
  return open_transport("plugin", bootstrap, kTransportTimeout);
}
#else
std::unique_ptr<Transport> open_plugin(Bootstrap&) { return nullptr; }
#endif

void yield_thread() { std::this_thread::yield(); }

void run_on_ideal_bus(int ranks, const TransportKind::Body& body) {
  run_on_bus({.profile = ub::load_profile("ideal")}, ranks, body);
}

// The suite polls: a look that took the least time that there is would be one of a thousand a
// message.
void run_on_wire_bus(int ranks, const TransportKind::Body& body) {
  ub::Profile profile = ub::load_profile("cloudmatrix384-wire");
  profile.software.emplace().poll_ns = ub::Decimal::parse("100").value();
  run_on_bus({.profile = std::move(profile)}, ranks, body);
}

// Two dies of a package per two ranks, software that costs, cells, and any order at equal times.
void run_on_hostile_bus(int ranks, const TransportKind::Body& body) {
  for (const std::uint64_t seed : {1U, 2U}) {
    run_on_bus({.profile = ub::load_profile("cloudmatrix384"),
                .fabric = {.level = ub::ModelLevel::kCell,
                           .spraying = ub::Spraying::kPerCell,
                           .cell_bytes = 512},
                .scheduler = {.reorder_seed = seed}},
               ranks, body);
  }
}

// A look has taken time, so that it is somebody else's turn.
void yield_fibre() {}

// What providers of libfabric want and do, as far as messages go. Order is what verbs over ofi_rxm
// and psm3 have, and efa has not; psm3 wakes nobody.
std::unique_ptr<Transport> open_ofi_verbs(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "verbs", .registers_local = true};
  return open_on_fake(habits, bootstrap);
}
std::unique_ptr<Transport> open_ofi_efa(Bootstrap& bootstrap) {
  static const FakeHabits habits{
      .name = "efa", .message_bytes = 8928, .ordered = false, .registers_local = true};
  return open_on_fake(habits, bootstrap);
}
std::unique_ptr<Transport> open_ofi_psm3(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "psm3", .message_bytes = 4096, .sleeps = false};
  return open_on_fake(habits, bootstrap);
}
std::unique_ptr<Transport> open_ofi_hostile(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "hostile",
                                 .message_bytes = 1000,
                                 .ordered = false,
                                 .registers_local = true,
                                 .later_in = 5,
                                 .fails_in = 500};
  return open_on_fake(habits, bootstrap);
}

}  // namespace tutti::test
