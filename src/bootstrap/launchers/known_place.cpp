#include "bootstrap/launchers/known_place.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "bootstrap/deadline.hpp"
#include "bootstrap/interfaces.hpp"
#include "bootstrap/launchers/own_addresses.hpp"
#include "bootstrap/launchers/resolve.hpp"
#include "bootstrap/launchers/secret.hpp"
#include "bootstrap/meeting_registry.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace {

constexpr std::chrono::milliseconds kPauseBetweenMeetings{20};

// Whether this process met at a known place before: the place is free once all ranks have left.
void listen(const MeetingPlace& place, bool met_before, std::chrono::steady_clock::time_point end) {
  for (;;) {
    try {
      MeetingRegistry::of_process().host(place);
      return;
    } catch (const Error& error) {
      const bool may_pass = met_before && error.code() == tuttiSystemError;
      if (!may_pass || std::chrono::steady_clock::now() >= end) throw;
    }
    std::this_thread::sleep_for(kPauseBetweenMeetings);
  }
}

// Where rank 0 listens.
SocketAddress place_to_listen(const std::string& host, const SocketAddress& resolved) {
  const bool meant = is_address(host) || resolved == loopback_address(resolved.family);
  return meant ? resolved : SocketAddress{.family = resolved.family};
}

// Where rank 0, which listens at all of its addresses, goes itself. Its end of this way is what
// transports tell other hosts.
SocketAddress own_way(const SocketAddress& resolved) {
  if (is_loopback(resolved) || is_own_address(resolved)) return resolved;
  return choose_address(interfaces(), InterfaceRule::from_environment()).address;
}

}  // namespace

World meet_at(const KnownPlace& place, Rank rank, int ranks, Nanoseconds timeout) {
  static std::atomic<int> worlds{0};
  const int number = worlds.fetch_add(1, std::memory_order_relaxed);
  const auto deadline = deadline_after(timeout);
  const MeetingSecret secret = secret_of(place.secret_text, number);
  SocketAddress address = resolve(place.host, deadline);
  if (rank == 0) {
    SocketAddress listening = place_to_listen(place.host, address);
    if (is_unspecified(listening)) address = own_way(address);
    listening.port = place.port;
    listen({.address = listening, .secret = secret}, number > 0, deadline);
  }
  address.port = place.port;
  const tuttiUniqueId id = pack(id_of(address, secret));
  return {.rank = rank, .ranks = ranks, .id = id, .awaited = true};
}

}  // namespace tutti
