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

// What providers of libfabric want and do. Where a manual page is named, it is libfabric's; what it
// does not say is as fi_info tells of the provider, or as its source has it (prov/.../*_attr.c).

// fi_verbs(7), fi_rxm(7): FI_MR_BASIC, which is addresses, keys of its own and FI_MR_LOCAL; order
// of sends; immediate data of 32 bits.
std::unique_ptr<Transport> open_ofi_verbs(Bootstrap& bootstrap) {
  static const FakeHabits habits{
      .name = "verbs", .registers_local = true, .writes = FakeWrites{.most_bytes = 1 << 20}};
  return open_on_fake(habits, bootstrap);
}
// fi_efa(7): datagrams of an unordered protocol, nobody is woken; 32 bits of data (libfabric pull
// request 8535). Its later version has a write use up a receive (FI_RX_CQ_DATA, 11506).
std::unique_ptr<Transport> open_ofi_efa(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "efa",
                                 .message_bytes = 8928,
                                 .ordered = false,
                                 .registers_local = true,
                                 .sleeps = false,
                                 .writes = FakeWrites{.uses_receives = true}};
  return open_on_fake(habits, bootstrap);
}
// fi_cxi(7): sends in order, writes not; offsets (scalable registration) and keys of the caller;
// no wait objects.
std::unique_ptr<Transport> open_ofi_cxi(Bootstrap& bootstrap) {
  static const FakeHabits habits{
      .name = "cxi",
      .sleeps = false,
      .writes = FakeWrites{.by_address = false, .chooses_keys = false, .data_bytes = 8}};
  return open_on_fake(habits, bootstrap);
}
// prov/psm3/src/psmx3_attr.c: data of 0, 4 or 8 bytes, as it is asked for. Without any it does not
// tell of writes; its longest write is a few MiB, here less.
std::unique_ptr<Transport> open_ofi_psm3(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "psm3",
                                 .message_bytes = 4096,
                                 .sleeps = false,
                                 .writes = FakeWrites{.most_bytes = 1000, .by_address = false}};
  return open_on_fake(habits, bootstrap);
}
std::unique_ptr<Transport> open_ofi_psm3_without_data(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "psm3_without_data",
                                 .message_bytes = 4096,
                                 .sleeps = false,
                                 .writes = FakeWrites{.data_bytes = 0}};
  return open_on_fake(habits, bootstrap);
}
// fi_rxm(7), fi_net(7), fi_sockets(7) and fi_info: offsets, keys of the caller, order.
std::unique_ptr<Transport> open_ofi_sockets(Bootstrap& bootstrap) {
  static const FakeHabits habits{
      .name = "sockets",
      .writes = FakeWrites{.by_address = false, .chooses_keys = false, .data_bytes = 8}};
  return open_on_fake(habits, bootstrap);
}
// fi_shm(7): addresses, keys of the caller; sends in order, writes not.
std::unique_ptr<Transport> open_ofi_shm(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "ofi_shm",
                                 .writes = FakeWrites{.chooses_keys = false, .data_bytes = 8}};
  return open_on_fake(habits, bootstrap);
}
// Messages only, in any order.
std::unique_ptr<Transport> open_ofi_hostile(Bootstrap& bootstrap) {
  static const FakeHabits habits{.name = "hostile",
                                 .message_bytes = 1000,
                                 .ordered = false,
                                 .registers_local = true,
                                 .later_in = 5,
                                 .fails_in = 500};
  return open_on_fake(habits, bootstrap);
}
// Writes too, in pieces that fail, and few regions.
std::unique_ptr<Transport> open_ofi_hostile_writes(Bootstrap& bootstrap) {
  static const FakeHabits habits{
      .name = "hostile_writes",
      .message_bytes = 1000,
      .ordered = false,
      .registers_local = true,
      .writes = FakeWrites{.most_bytes = 8000, .uses_receives = true, .most_regions = 3},
      .later_in = 5,
      .fails_in = 500};
  return open_on_fake(habits, bootstrap);
}

}  // namespace tutti::test
