// The service behind tuttiGetUniqueId: where the ranks of one communicator meet and exchange blobs.
// It serves all ranks from one thread of its own.
#pragma once

#include <tutti/tutti.h>

#include <memory>
#include <string>
#include <tutti/transport.hpp>

#include "bootstrap/unique_id.hpp"

namespace tutti {

// Where a meeting listens, and what lets ranks in.
struct MeetingPlace {
  SocketAddress address;  // port 0: one that the system chooses, or TUTTI_PORT_RANGE allows
  MeetingSecret secret = make_secret();
};

// One communicator's meeting. It ends by itself once all ranks have joined and disconnected.
class Meeting {
 public:
  // Listens when it returns; tuttiSystemError when the system has no port or thread for it.
  explicit Meeting(const MeetingPlace& place);
  // On loopback: of ranks on this host.
  Meeting();
  // Stops: ranks still connected get tuttiRemoteError.
  ~Meeting();
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  const tuttiUniqueId& id() const noexcept;
  // Whether it has ended by itself.
  bool finished() const noexcept;
  // For launchers that see a rank die, perhaps before it joined: every other rank that still needs
  // it gets tuttiRemoteError with `sentence`. From any thread.
  void report_death(Rank rank, const std::string& sentence);

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace tutti
