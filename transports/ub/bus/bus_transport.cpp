#include "transports/ub/bus/bus_transport.hpp"

#include <exception>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "memory/heap.hpp"
#include "transports/ub/bus/windows.hpp"

namespace tutti::ub {

namespace {

Simulation& current_simulation() {
  Simulation* const simulation = Simulation::current();
  if (simulation == nullptr) {
    fail(tuttiInvalidUsage,
         "transport ub simulates its fabric: its ranks are what a simulation runs "
         "(tuttiSimRun, tutti-run --fabric), not other threads or processes");
  }
  return *simulation;
}

// Rank 0 makes it and lends a pointer until everybody has a share.
std::shared_ptr<Roster> meet(Simulation& simulation, Bootstrap& bootstrap) {
  struct Hello {
    std::uintptr_t simulation;
    int place;
  };
  const Hello mine{.simulation = reinterpret_cast<std::uintptr_t>(&simulation),
                   .place = simulation.scheduler().who().rank};
  const std::vector<Hello> hellos = all_gather_value(bootstrap, mine);
  std::vector<int> places;
  for (Rank peer = 0; peer < bootstrap.ranks(); ++peer) {
    const Hello& hello = hellos[static_cast<std::size_t>(peer)];
    if (hello.simulation != mine.simulation) {
      fail_because_of({peer}, tuttiInvalidUsage,
                      "rank {} is not in the simulation of rank {}: transport ub reaches one", peer,
                      bootstrap.rank());
    }
    places.push_back(hello.place);
  }
  std::shared_ptr<Roster> roster;
  if (bootstrap.rank() == 0) {
    roster = std::make_shared<Roster>(simulation.courier(), std::move(places));
    simulation.adopt(roster);
  }
  const auto lent = all_gather_value(bootstrap, reinterpret_cast<std::uintptr_t>(&roster));
  if (bootstrap.rank() != 0) roster = *reinterpret_cast<std::shared_ptr<Roster>*>(lent[0]);
  bootstrap.all_gather({}, {});
  return roster;
}

}  // namespace

bool BusTransport::is_reachable() noexcept { return Simulation::current() != nullptr; }
void BusTransport::check_caller() { static_cast<void>(current_simulation()); }

BusTransport::BusTransport(Bootstrap& bootstrap)
    : bootstrap_(&bootstrap),
      port_([&] {
        Simulation& simulation = current_simulation();
        return std::make_shared<RankPort>(simulation, meet(simulation, bootstrap),
                                          bootstrap.rank());
      }()),
      clock_(*port_),
      costs_(CostFacts(port_->courier().topology(), port_->costs()), port_->roster().distances()) {}

BusTransport::BusTransport(std::shared_ptr<RankPort> port)
    : port_(std::move(port)),
      clock_(*port_),
      costs_(CostFacts(port_->courier().topology(), port_->costs()), port_->roster().distances()) {}

// A rank that leaves gives its bytes with it. One that is on its way out because of an error may
// have lost the buffers already.
BusTransport::~BusTransport() {
  Roster& roster = port_->roster();
  const Rank rank = port_->rank();
  const bool gone = port_->courier().gone(port_->place());
  if (gone || std::uncaught_exceptions() > 0) {
    roster.drop_sources(rank);
  } else {
    roster.take_sources(rank);
  }
  if (!gone) roster.leave(rank);
}

std::unique_ptr<ControlWindow> BusTransport::open_control(const ControlSegment& segment) {
  port_->roster().make_control(segment);
  bootstrap_->all_gather({}, {});
  return std::make_unique<BusControl>(port_);
}

std::unique_ptr<Window> BusTransport::open_window(WindowKind kind) {
  if (kind == WindowKind::kProcess) return std::make_unique<BusProcess>(port_);
  Heap::of_this_process();
  return std::make_unique<BusHeap>(port_);
}

PeerState BusTransport::peer_state(Rank peer) const noexcept {
  port_->bring();
  return port_->roster().state(port_->rank(), peer);
}

// The caller is about to give its buffers up, and so is everybody who asks for the failure.
void BusTransport::abort(const Error& error) noexcept {
  port_->roster().take_sources(port_->rank());
  port_->roster().record(port_->rank(), error);
}

std::optional<Error> BusTransport::failure() const {
  const std::optional<Error>& failure = port_->roster().recorded();
  if (failure.has_value()) port_->roster().take_sources(port_->rank());
  return failure;
}

}  // namespace tutti::ub
