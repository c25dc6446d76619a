// Meeting where all ranks know the place beforehand: rank 0 listens there, the others come.
#pragma once

#include <cstdint>
#include <string>

#include "bootstrap/launchers/launcher.hpp"

namespace tutti {

// Where nothing else is said; below the ports that systems give away themselves.
constexpr std::uint16_t kMeetingPort = 28884;

struct KnownPlace {
  std::string host;  // a name, or an address of rank 0's machine
  std::uint16_t port = 0;
  std::string secret_text;  // the same on all ranks (secret.hpp)
};

// Rank 0 begins the meeting, and listens when this returns: at `host`, where that is an address, or
// where the name means the loopback interface; otherwise at all of its addresses, because a name
// may mean another one here than elsewhere. The others wait until the name can be resolved.
// tuttiSystemError when rank 0 cannot listen there, tuttiTimeout naming a name that nobody knows.
World meet_at(const KnownPlace& place, Rank rank, int ranks, Nanoseconds timeout);

}  // namespace tutti
