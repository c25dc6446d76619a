#include "bootstrap/launchers/known_place.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "bootstrap/deadline.hpp"
#include "bootstrap/launchers/resolve.hpp"
#include "bootstrap/launchers/secret.hpp"
#include "bootstrap/meeting_registry.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace {

constexpr std::chrono::milliseconds kPauseBetweenMeetings{20};

SocketAddress loopback(std::uint16_t family) {
  SocketAddress address{.family = family};
  if (family == 6) {
    address.bytes.back() = 1;
  } else {
    address.bytes = {127, 0, 0, 1};
  }
  return address;
}

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

// Where rank 0 listens, and where it goes itself.
struct OwnPlace {
  SocketAddress listen, join;
};
OwnPlace own_place(const std::string& host, const SocketAddress& resolved) {
  if (is_address(host) || resolved.bytes == loopback(resolved.family).bytes) {
    return {resolved, resolved};
  }
  return {{.family = resolved.family}, loopback(resolved.family)};
}

}  // namespace

World meet_at(const KnownPlace& place, Rank rank, int ranks, Nanoseconds timeout) {
  static std::atomic<int> worlds{0};
  const int number = worlds.fetch_add(1, std::memory_order_relaxed);
  const auto deadline = deadline_after(timeout);
  const MeetingSecret secret = secret_of(place.secret_text, number);
  SocketAddress address = resolve(place.host, deadline);
  if (rank == 0) {
    OwnPlace own = own_place(place.host, address);
    own.listen.port = place.port;
    listen({.address = own.listen, .secret = secret}, number > 0, deadline);
    address = own.join;
  }
  UniqueId id;
  id.family = address.family;
  id.port = place.port;
  id.address = address.bytes;
  id.secret = secret;
  return {.rank = rank, .ranks = ranks, .id = pack(id), .awaited = true};
}

}  // namespace tutti
