// Shared memory for ranks that are fibres of one thread, and a rank with a channel on it.
#pragma once

#include <algorithm>
#include <memory>

#include "base/pause.hpp"
#include "bootstrap/local_group.hpp"
#include "channel/channel.hpp"
#include "channel/operation.hpp"
#include "fibre_world.hpp"
#include "transports/shm/shm_transport.hpp"

namespace tutti::test {

// shm, but for time and sleeping. Nobody wakes a fibre on a futex, so a sleeper looks again soon.
class ParkingTransport final : public Transport {
 public:
  explicit ParkingTransport(Bootstrap& bootstrap) : shm_(bootstrap) {}

  std::string_view name() const noexcept override { return "parking"; }
  Access access(Rank peer) const noexcept override { return shm_.access(peer); }
  Path path(Rank peer) const noexcept override { return shm_.path(peer); }
  std::unique_ptr<ControlWindow> open_control(const ControlSegment& segment) override {
    return shm_.open_control(segment);
  }
  std::unique_ptr<Window> open_window(WindowKind kind) override { return shm_.open_window(kind); }
  void progress() override {}
  void sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) override {
    FibreHost& host = *current_context().host;
    const Nanoseconds end = host.now() + timeout;
    // Acquire pairs with the release of the ring by Window::post.
    while (bell.ring.load(std::memory_order_acquire) == seen && host.now() < end) {
      host.park(std::min(end, host.now() + 1us), "a ring");
      if (host.ending()) return;
    }
  }
  void announce_fence() noexcept override { shm_.announce_fence(); }
  Clock& clock() noexcept override { return clock_; }
  PeerState peer_state(Rank peer) const noexcept override { return shm_.peer_state(peer); }
  void abort(const Error& error) noexcept override { shm_.abort(error); }
  std::optional<Error> failure() const override { return shm_.failure(); }
  Waiting waiting() const noexcept override { return Waiting::kPark; }

 private:
  class VirtualClock final : public Clock {
   public:
    Nanoseconds now() noexcept override { return current_time(); }
  };

  shm::ShmTransport shm_;
  VirtualClock clock_;
};

class ParkingRank {
 public:
  ParkingRank(std::unique_ptr<Bootstrap> bootstrap, Nanoseconds timeout)
      : bootstrap_(std::move(bootstrap)), transport_(*bootstrap_) {
    ChannelWindows windows;
    windows.layout = control_layout({.ranks = static_cast<unsigned>(bootstrap_->ranks())});
    windows.control = transport_.open_control(
        {.bytes = windows.layout.bytes(), .line_bytes = windows.layout.line_bytes()});
    windows.heap = transport_.open_window(WindowKind::kHeap);
    windows.process = transport_.open_window(WindowKind::kProcess);
    ChannelOptions options{.name = "fibres",
                           .limits = {.timeout = timeout, .waiting = transport_.waiting()}};
    channel_ = std::make_unique<Channel>(transport_, std::move(windows), bootstrap_->rank(),
                                         std::move(options));
    meet();
  }

  Rank rank() const { return bootstrap_->rank(); }
  Channel& channel() { return *channel_; }
  // A barrier apart from the channel.
  void meet() { bootstrap_->all_gather({}, {}); }

 private:
  std::unique_ptr<Bootstrap> bootstrap_;
  ParkingTransport transport_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace tutti::test
