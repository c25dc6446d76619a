// Transport ub for a rank that is a process: every call is carried out by the simulation, at the
// rank's virtual time, on the same objects as in process (docs/decisions/0017-processes.md).
#pragma once

#include <memory>
#include <optional>
#include <tutti/transport.hpp>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "transports/ub/bus/bus_clock.hpp"
#include "transports/ub/bus/bus_transport.hpp"
#include "transports/ub/processes/process_windows.hpp"

namespace tutti::ub {

class ProcessTransport final : public Transport {
 public:
  // As BusTransport's.
  explicit ProcessTransport(Bootstrap& bootstrap);
  ~ProcessTransport() override;

  std::string_view name() const noexcept override { return "ub"; }
  Access access(Rank) const noexcept override { return kBusAccess; }
  Path path(Rank peer) const noexcept override { return costs_->path(port_.rank, peer); }
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment) override;
  std::unique_ptr<Window> open_window(WindowKind kind) override;
  void progress() override { port_.lane().call(wire::Poll{.transport = port_.transport}); }
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) override;
  void announce_fence() noexcept override {}
  Clock& clock() noexcept override { return clock_; }
  PeerState peer_state(Rank peer) const noexcept override;
  void abort(const Error& error) noexcept override;
  std::optional<Error> failure() const override;
  Waiting waiting() const noexcept override { return Waiting::kPark; }
  bool settles() const noexcept override { return true; }
  void settle() noexcept override { static_cast<void>(port_.owner.exact_now()); }
  bool charges() const noexcept override { return charges_; }
  void charge(const LocalWork& work) override;
  const Costs* costs() const noexcept override { return &*costs_; }
  bool sparse_segments() const noexcept override { return true; }

 private:
  class RankClock final : public PatientClock {
   public:
    explicit RankClock(ProcessRank& owner) noexcept : owner_(owner) {}

   private:
    Picoseconds read() noexcept override { return owner_.exact_now(); }
    bool pass(Picoseconds step) noexcept override;

    ProcessRank& owner_;
  };

  Bootstrap& bootstrap_;
  ProcessPort port_;
  RankClock clock_;
  bool charges_ = false;
  Distances distances_;
  std::optional<BusCosts> costs_;      // once the transport is open
  ProcessControl* control_ = nullptr;  // its user's
  // As of `states_seen_`, a number of answers.
  mutable std::vector<PeerState> states_;
  mutable std::uint64_t states_seen_ = 0;
};

}  // namespace tutti::ub
