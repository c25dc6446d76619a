// What one rank of a communicator does on the bus, at the virtual time at which it does it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "transports/ub/bus/simulation.hpp"

namespace tutti::ub {

// Shared by a rank's transport and its windows. Calls are made by fibres of that rank.
class RankPort {
 public:
  RankPort(Simulation& simulation, std::shared_ptr<Roster> roster, Rank rank);

  Roster& roster() const noexcept { return *roster_; }
  Courier& courier() const noexcept { return courier_; }
  Scheduler& scheduler() const noexcept { return courier_.scheduler(); }
  Rank rank() const noexcept { return rank_; }
  int place() const noexcept { return place_; }

  // Ends the fibre if the rank's node has failed.
  void check_alive() const { courier_.check_alive(place_); }

  // Does what lies there have contents? See Heap::hollow.
  bool is_hollow(const void* place) const noexcept {
    return hollow_ != nullptr && hollow_->contains(place, 0);
  }
  const Heap* hollow() const noexcept { return hollow_; }

  // What the rank has done itself, in its time.
  void charge(const LocalWork& work) { spend(static_cast<Activity>(work.kind), costs().of(work)); }
  bool charges() const noexcept { return !costs().free(); }
  // Looks, and finds nothing: never free, so that whoever polls gets on.
  void poll();
  Nanoseconds now() const noexcept;

  // Waits until all parts have come. tuttiSystemError, naming a rank whose bytes do not come.
  void read(std::span<const ReadPart> parts);
  void put(Rank peer, std::span<const CopyPiece> pieces, std::byte* taken = nullptr);
  void post(Rank peer, LineId line, std::uint64_t value, const LineContent& content);
  // Between these the fibre goes ahead of its turn, which then need not come for every post: who
  // only posts, puts and charges sees nothing of what others do meanwhile, and what it sends starts
  // at the time that it has come to. Another stream of the rank finds the cores busy until then. A
  // rank that a fault will end is given every turn, and so is a stream while another one is ahead
  // on this port.
  void begin_posts();
  void end_posts();
  // tuttiTimeout, naming the peer.
  void flush(Rank peer, Nanoseconds timeout);
  // Before this rank looks at its lines, or at how its peers stand with it.
  void bring() const { courier_.bring(place_); }
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout);

  const WorkCosts& costs() const noexcept { return simulation_.costs(); }

 private:
  Picoseconds deadline(Nanoseconds timeout) const noexcept;
  bool is_ahead() const { return ahead_ == scheduler().current(); }
  // When what the fibre does next happens.
  Picoseconds its_time() const { return is_ahead() ? until_ : scheduler().now(); }
  void spend(Activity what, Picoseconds time);
  // Its turn comes at the time that it has come to.
  void catch_up();

  Simulation& simulation_;
  std::shared_ptr<Roster> roster_;
  Courier& courier_;
  const Heap* hollow_;
  Rank rank_;
  int place_;
  std::optional<FibreId> ahead_;  // who goes ahead
  Picoseconds until_{};           // the time that it has come to
};

}  // namespace tutti::ub
