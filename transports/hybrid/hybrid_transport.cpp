#include "transports/hybrid/hybrid_transport.hpp"

#include <utility>

#include "base/log.hpp"
#include "transports/hybrid/hybrid_windows.hpp"

namespace tutti::hybrid {

namespace {

// A path within a host, the same on every rank: of the first one that has a neighbour.
Path near_path(Bootstrap& bootstrap, const Hosts& hosts, const Transport& near) {
  const Rank self = bootstrap.rank();
  const Rank place = hosts.place_of(self);
  const std::vector<Path> paths = all_gather_value(
      bootstrap, near.path(place == 0 && hosts.ranks_on(hosts.host_of(self)).size() > 1 ? 1 : 0));
  for (int host = 0; host < hosts.count(); ++host) {
    const auto there = hosts.ranks_on(host);
    if (there.size() > 1) return paths[static_cast<std::size_t>(there.front())];
  }
  return paths.front();
}

}  // namespace

HybridTransport::HybridTransport(Bootstrap& bootstrap, Hosts hosts, OpenNear near, OpenFar far,
                                 Nanoseconds timeout)
    : bootstrap_(bootstrap),
      hosts_(std::move(hosts)),
      rank_(bootstrap.rank()),
      host_(bootstrap_, hosts_),
      near_(near(host_, timeout)),
      far_(far(bootstrap, timeout)),
      name_(std::string(near_->name()) + "+" + std::string(far_->name())) {
  TUTTI_INFO(kNet, "{} ranks on {} hosts, {} of them on this one: {}", hosts_.ranks(),
             hosts_.count(), host_.ranks(), name_);
}

HybridTransport::~HybridTransport() = default;

Access HybridTransport::access(Rank peer) const noexcept {
  if (!is_near(peer)) return far_->access(peer);
  Access access = near_->access(hosts_.place_of(peer));
  access.shared_words = false;  // which must reach all ranks
  return access;
}

Path HybridTransport::path(Rank peer) const noexcept {
  if (is_near(peer)) return near_->path(hosts_.place_of(peer));
  return costs_ ? costs_->path(rank_, peer) : far_->path(peer);
}

std::unique_ptr<ControlWindow> HybridTransport::open_control(const ControlSegment& segment) {
  std::shared_ptr<ControlWindow> near = near_->open_control(segment);
  std::unique_ptr<ControlWindow> far =
      far_->open_control(segment, std::shared_ptr<std::byte>(near, near->local().data()));
  if (const Costs* const costs = far_->costs()) {
    const Network network = probe_network(bootstrap_, hosts_, *far, segment, clock_);
    costs_.emplace(hosts_, near_path(bootstrap_, hosts_, *near_), *costs);
    costs_->set(network);
    // The probe may have slept, and nobody else has a reason to ring yet: as it was made.
    reinterpret_cast<Doorbell*>(near->local().data())->ring.store(0, std::memory_order_relaxed);
    TUTTI_INFO(kNet, "between hosts {:.1f} us there and back, {:.3f} GB/s for each rank",
               network.round_trip_ns / 1e3, network.bytes_per_ns);
  }
  return std::make_unique<HybridControl>(hosts_, rank_, std::move(near), std::move(far));
}

std::unique_ptr<Window> HybridTransport::open_window(WindowKind kind) {
  std::shared_ptr<Window> near = near_->open_window(kind);
  return std::make_unique<HybridWindow<Window>>(hosts_, rank_, std::move(near),
                                                far_->open_window(kind));
}

}  // namespace tutti::hybrid
