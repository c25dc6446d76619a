// Ranks on several hosts: what lies on this rank's host is reached by one transport, everything
// else by another. The far one connects all ranks, near ones too: it tells who has died, and which
// error was first. Both are over the same memory: the near one makes the control segments, and what
// comes from afar is delivered there.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <tutti/transport.hpp>

#include "base/clock.hpp"
#include "bootstrap/bootstrap.hpp"
#include "transports/hybrid/host_bootstrap.hpp"
#include "transports/hybrid/hosts.hpp"
#include "transports/hybrid/hybrid_costs.hpp"
#include "transports/hybrid/network_probe.hpp"

namespace tutti::hybrid {

class HybridTransport final : public Transport {
 public:
  using OpenNear = std::unique_ptr<Transport> (*)(Bootstrap& bootstrap, Nanoseconds timeout);
  using OpenFar = std::unique_ptr<NetworkTransport> (*)(Bootstrap& bootstrap, Nanoseconds timeout);

  // Collective. `near` is opened for the ranks of this host, `far` for all. `bootstrap` as
  // everywhere: used by this and by open_*, not later.
  HybridTransport(Bootstrap& bootstrap, Hosts hosts, OpenNear near, OpenFar far,
                  Nanoseconds timeout);
  ~HybridTransport() override;

  std::string_view name() const noexcept override { return name_; }
  Access access(Rank peer) const noexcept override;
  Path path(Rank peer) const noexcept override;
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment) override;
  std::unique_ptr<Window> open_window(WindowKind kind) override;
  void progress() override { far_->progress(); }
  bool settles() const noexcept override { return far_->settles(); }
  void settle() noexcept override {
    const std::uint32_t look = looks_.load(std::memory_order_relaxed);
    looks_.store(look + 1, std::memory_order_relaxed);
    if (look % kLooksAtLines == 0 || crowded()) far_->settle();
  }
  void complete() noexcept override { far_->complete(); }
  void announce_memory(std::span<std::byte> memory) override { far_->announce_memory(memory); }
  void withdraw_memory(std::span<std::byte> memory) noexcept override {
    far_->withdraw_memory(memory);
  }
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) override {
    far_->sleep(bell, seen, timeout);
  }
  void announce_fence() noexcept override {
    near_->announce_fence();
    far_->announce_fence();
  }
  Clock& clock() noexcept override { return clock_; }
  PeerState peer_state(Rank peer) const noexcept override { return far_->peer_state(peer); }
  void abort(const Error& error) noexcept override { far_->abort(error); }
  std::optional<Error> failure() const override { return far_->failure(); }
  // As the far one, which knows of all hosts.
  Waiting waiting() const noexcept override { return far_->waiting(); }
  const Costs* costs() const noexcept override { return costs_ ? &*costs_ : nullptr; }

 private:
  // A look at sockets takes 400 ns, one at a line that a neighbour fills 15. Who waits for far
  // ranks hears of them 500 ns later at most, of the microseconds that they take; who waits long
  // looks by progress() too. All-reduce of 8 bytes by two neighbours: 1.23 us with a look each
  // time, 0.55 so.
  static constexpr std::uint32_t kLooksAtLines = 32;

  bool is_near(Rank peer) const noexcept { return hosts_.share(rank_, peer); }

  Bootstrap& bootstrap_;
  const Hosts hosts_;
  const Rank rank_;
  HostBootstrap host_;
  SteadyClock clock_;
  std::unique_ptr<Transport> near_;
  std::unique_ptr<NetworkTransport> far_;  // goes first: it writes to the near one's memory
  std::string name_;
  std::optional<HybridCosts> costs_;
  std::atomic<std::uint32_t> looks_{0};
};

}  // namespace tutti::hybrid
