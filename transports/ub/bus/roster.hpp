// What the ranks of one communicator share: who they are and how each stands with the others, the
// control memory with its doorbells, the flows of all pairs, and the error that ended it.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <tutti/error.hpp>
#include <vector>

#include "transports/ub/bus/bus_costs.hpp"
#include "transports/ub/bus/control_memory.hpp"
#include "transports/ub/bus/courier.hpp"

namespace tutti::ub {

// Made by the communicator's rank 0 and kept by the simulation until it has ended, because parcels
// point into it. All ranks are fibres of one thread: no call here is a scheduling point, and what
// it changes is there for all at once.
class Roster final : private FlowOwner {
 public:
  // places[r]: the simulation's number of the communicator's rank r. `courier` outlives it.
  // `shared`: its control memory is for other processes too.
  Roster(Courier& courier, std::vector<int> places, bool shared = false);

  int ranks() const noexcept { return static_cast<int>(places_.size()); }
  int place(Rank rank) const noexcept { return places_[index(rank)]; }
  Rank rank_at(int place) const noexcept {
    return static_cast<Rank>(std::find(places_.begin(), places_.end(), place) - places_.begin());
  }
  const Distances& distances() const noexcept { return distances_; }
  Courier& courier() noexcept { return courier_; }

  // Every rank, before any uses control(); the first makes it. Later windows are others: false.
  void make_control(const ControlSegment& segment);
  ControlMemory& control() noexcept { return *control_; }
  bool has_control() const noexcept { return control_ != nullptr; }

  Flow& flow(Rank from, Rank to) { return flows_[index(from) * places_.size() + index(to)]; }
  // Who sleeps on that doorbell. tuttiInternalError for what is none of this communicator's.
  WaitList& sleepers(const Doorbell& bell);

  PeerState state(Rank viewer, Rank peer) const noexcept {
    return static_cast<PeerState>(states_[index(viewer) * places_.size() + index(peer)]);
  }
  // `rank` has destroyed its transport: each peer hears of it behind what is on its way there.
  void leave(Rank rank);
  // The node of these ranks of the simulation has failed, or that has become known.
  void wake_gone(int place);
  void tell_gone(int place);

  // The first error wins; it is there for every rank at once.
  void record(Rank rank, const Error& error);
  const std::optional<Error>& recorded() const noexcept { return failure_; }

  // Before a rank's buffers go away.
  void take_sources(Rank rank);
  void drop_sources(Rank rank) noexcept;

 private:
  static std::size_t index(Rank rank) noexcept { return static_cast<std::size_t>(rank); }

  void line_filled(Flow& flow) override;
  void said_farewell(Flow& flow) override { mark(flow.peer, flow.rank, PeerState::kLeft); }
  void lost(Flow& flow) override;

  // Alive -> left or dead, once; raises the viewer's alarm.
  void mark(Rank viewer, Rank peer, PeerState state);
  void alarm(Rank rank);
  void ring(Rank rank);

  Courier& courier_;
  std::vector<int> places_;
  Distances distances_;
  std::vector<std::uint8_t> states_;  // PeerState; [viewer][peer]
  LargeVector<Flow> flows_;           // [from][to]
  const bool shared_;
  std::unique_ptr<ControlMemory> control_;
  std::vector<WaitList> sleepers_;  // [rank]: on the rank's own doorbell
  WaitList shared_sleepers_;        // on the shared one
  std::optional<Error> failure_;
};

}  // namespace tutti::ub
