#include "transports/ub/processes/process_transport.hpp"

#include <exception>
#include <utility>

#include "base/error.hpp"

namespace tutti::ub {

namespace {

// As BusTransport's ranks do: where ranks meet over a communicator, what they say takes time.
std::uint32_t meet_in(ProcessPort& port, Bootstrap& bootstrap) {
  ProcessRank& owner = port.owner;
  struct Hello {
    std::uint64_t world;
    std::int32_t place;
    std::int32_t zero;
  };
  const Hello mine{.world = owner.world(), .place = owner.rank(), .zero = 0};
  const std::vector<Hello> hellos = all_gather_value(bootstrap, mine);
  for (Rank peer = 0; peer < bootstrap.ranks(); ++peer) {
    const Hello& hello = hellos[static_cast<std::size_t>(peer)];
    if (hello.world != mine.world) {
      fail_because_of({peer}, tuttiInvalidUsage,
                      "rank {} is not in the simulation of rank {}: transport ub reaches one", peer,
                      bootstrap.rank());
    }
    port.places.push_back(hello.place);
  }
  std::uint64_t roster = 0;
  if (bootstrap.rank() == 0) {
    roster = owner.lane()
                 .call(wire::MakeRoster{.count = static_cast<std::uint32_t>(port.places.size())},
                       std::as_bytes(std::span(port.places)))
                 .number;
  }
  return static_cast<std::uint32_t>(all_gather_value(bootstrap, roster)[0]);
}

}  // namespace

ProcessTransport::ProcessTransport(Bootstrap& bootstrap)
    : bootstrap_(bootstrap),
      port_{
          .owner = ProcessRank::of_caller(), .rank = bootstrap.rank(), .ranks = bootstrap.ranks()},
      clock_(port_.owner),
      states_(static_cast<std::size_t>(bootstrap.ranks()), PeerState::kAlive) {
  static_cast<void>(port_.lane());  // attached
  const std::uint32_t roster = meet_in(port_, bootstrap);
  const auto opened =
      port_.lane().call(wire::OpenTransport{.roster = roster, .rank = bootstrap.rank()});
  port_.transport = opened.transport;
  charges_ = opened.charges != 0;
  bootstrap.all_gather({}, {});
  std::vector<std::int64_t> groups(kHopClasses * states_.size());
  const auto known = port_.lane().call(wire::Costs{
      .transport = port_.transport, .groups = reinterpret_cast<std::uintptr_t>(groups.data())});
  groups.resize(known.count);
  distances_ = Distances(port_.ranks, std::move(groups));
  costs_.emplace(known.facts, distances_);
}

ProcessTransport::~ProcessTransport() {
  try {
    port_.lane().call(
        wire::CloseTransport{.transport = port_.transport,
                             .by_error = std::uncaught_exceptions() > 0 ? std::uint32_t{1} : 0});
  } catch (const Error&) {
    return;  // of a thread or child that has no part in the simulation
  }
}

std::unique_ptr<ControlWindow> ProcessTransport::open_control(const ControlSegment& segment) {
  const auto file =
      port_.lane().call(wire::OpenControl{.transport = port_.transport, .segment = segment});
  auto window = std::make_unique<ProcessControl>(port_, segment, file);
  control_ = window.get();
  bootstrap_.all_gather({}, {});
  return window;
}

std::unique_ptr<Window> ProcessTransport::open_window(WindowKind kind) {
  if (kind == WindowKind::kProcess) return std::make_unique<ProcessMemory>(port_);
  return std::make_unique<ProcessHeap>(port_);
}

void ProcessTransport::sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) {
  port_.lane().call(wire::Sleep{.transport = port_.transport,
                                .seen = seen,
                                .bell = control_->place_of(bell),
                                .timeout_ns = timeout.count()});
}

PeerState ProcessTransport::peer_state(Rank peer) const noexcept {
  try {
    ClientLane& lane = port_.lane();
    lane.settle();
    if (states_seen_ != port_.owner.answers()) {
      lane.call(wire::States{.transport = port_.transport,
                             .states = reinterpret_cast<std::uintptr_t>(states_.data())});
      states_seen_ = port_.owner.answers();
    }
  } catch (const Error&) {
    // Of a thread that has no part in the simulation: what is known.
  }
  return states_[static_cast<std::size_t>(peer)];
}

void ProcessTransport::abort(const Error& error) noexcept {
  try {
    const std::string_view text = error.what();
    std::vector<std::byte> more(error.culprits().size() * sizeof(int) + text.size());
    std::size_t at = 0;
    for (const int culprit : error.culprits()) {
      std::memcpy(more.data() + at, &culprit, sizeof(culprit));
      at += sizeof(culprit);
    }
    std::memcpy(more.data() + at, text.data(), text.size());
    port_.lane().call(
        wire::Abort{.transport = port_.transport,
                    .code = static_cast<std::uint32_t>(error.code()),
                    .head = {.text_bytes = static_cast<std::uint32_t>(text.size()),
                             .culprits = static_cast<std::uint32_t>(error.culprits().size())}},
        more);
  } catch (const std::exception&) {
    return;  // the others find out by their deadlines
  }
}

std::optional<Error> ProcessTransport::failure() const {
  if (port_.lane().call(wire::Failure{.transport = port_.transport}).there == 0) {
    return std::nullopt;
  }
  try {
    port_.lane().call(wire::ThrowFailure{.transport = port_.transport});
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

void ProcessTransport::charge(const LocalWork& work) {
  port_.lane().queue(wire::Charge{.transport = port_.transport,
                                  .kind = static_cast<std::uint32_t>(work.kind),
                                  .count = work.count,
                                  .bytes = work.bytes});
}

bool ProcessTransport::RankClock::pass(Picoseconds step) noexcept {
  try {
    owner_.lane().queue(wire::Advance{.ps = step.count()});
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace tutti::ub
