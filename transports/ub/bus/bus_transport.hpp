// The transport of the simulated unified bus: ranks are fibres of one Simulation, bytes really
// move, and everything takes the virtual time that the fabric model says (docs/simulated-bus.md).
#pragma once

#include <memory>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"
#include "transports/ub/bus/bus_clock.hpp"
#include "transports/ub/bus/bus_costs.hpp"

namespace tutti::ub {

inline constexpr Access kBusAccess{.views = true,
                                   .stores = true,
                                   .gets = true,
                                   .shared_words = false,
                                   .reads_wait = true,
                                   .needs_progress = false,
                                   .ordered = false};  // lines are; puts may overtake each other

class BusTransport final : public Transport {
 public:
  // Does a fibre of a simulation call? tuttiInvalidUsage unless one does.
  static bool is_reachable() noexcept;
  static void check_caller();

  // Collective, on fibres of the simulation that runs; tuttiInvalidUsage elsewhere. `bootstrap` is
  // used by this and by open_*, not later; the caller keeps it until then.
  explicit BusTransport(Bootstrap& bootstrap);
  // For who carries out what a rank elsewhere calls: without windows.
  explicit BusTransport(std::shared_ptr<RankPort> port);
  ~BusTransport() override;

  std::string_view name() const noexcept override { return "ub"; }
  Access access(Rank) const noexcept override { return kBusAccess; }
  Path path(Rank peer) const noexcept override { return costs_.path(port_->rank(), peer); }
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment) override;
  std::unique_ptr<Window> open_window(WindowKind kind) override;
  void progress() override { port_->poll(); }
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) override {
    port_->sleep(bell, seen, timeout);
  }
  bool settles() const noexcept override { return true; }
  void settle() noexcept override { port_->bring(); }
  // One thread runs all ranks.
  void announce_fence() noexcept override {}
  Clock& clock() noexcept override { return clock_; }
  PeerState peer_state(Rank peer) const noexcept override;
  void abort(const Error& error) noexcept override;
  std::optional<Error> failure() const override;
  Waiting waiting() const noexcept override { return Waiting::kPark; }
  bool charges() const noexcept override { return port_->charges(); }
  void charge(const LocalWork& work) override { port_->charge(work); }
  ChannelWatch* watch() noexcept override { return port_->courier().races(); }
  const Costs* costs() const noexcept override { return &costs_; }
  bool sparse_segments() const noexcept override { return true; }

 private:
  Bootstrap* bootstrap_ = nullptr;
  std::shared_ptr<RankPort> port_;
  BusClock clock_;
  BusCosts costs_;
};

}  // namespace tutti::ub
