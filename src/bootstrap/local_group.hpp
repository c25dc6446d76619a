// Ranks that are threads of one process, or fibres of one thread, meet in memory
// (tuttiCommInitAll).
#pragma once

#include <memory>

#include "bootstrap/bootstrap.hpp"

namespace tutti {

// The Bootstraps may outlive the group.
class LocalGroup {
 public:
  // `timeout` is the deadline of each all_gather.
  LocalGroup(int ranks, Nanoseconds timeout);
  ~LocalGroup();
  LocalGroup(const LocalGroup&) = delete;
  LocalGroup& operator=(const LocalGroup&) = delete;

  // Once per rank; tuttiInvalidUsage for a rank taken before. A rank whose Bootstrap is destroyed
  // has left: who needs it later gets tuttiRemoteError.
  std::unique_ptr<Bootstrap> bootstrap(Rank rank);

 private:
  class Room;
  class Member;
  std::shared_ptr<Room> room_;  // shared with the members, whichever goes last
};

}  // namespace tutti
