// Where ranks that are fibres of one thread meet with a unique id: in memory, because a socket
// would block them all.
#pragma once

#include <tutti/tutti.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "bootstrap/bootstrap.hpp"
#include "bootstrap/local_group.hpp"

namespace tutti {

// Kept by a simulation, whose fibres find it through their host; a rank that is a process of its
// own has one that asks the simulation's. Ids count up, so that they are the same in every run;
// they mean something here only.
class MemoryMeetings {
 public:
  // Of the fibre that calls; nullptr on a thread, and on fibres that do not simulate.
  static MemoryMeetings* of_this_fibre() noexcept;

  MemoryMeetings() = default;
  virtual ~MemoryMeetings() = default;
  MemoryMeetings(const MemoryMeetings&) = delete;
  MemoryMeetings& operator=(const MemoryMeetings&) = delete;

  virtual tuttiUniqueId host();
  // As join_meeting(); an id that was made elsewhere is tuttiInvalidUsage.
  virtual std::unique_ptr<Bootstrap> join(const tuttiUniqueId& id, int ranks, Rank rank,
                                          Nanoseconds timeout);

 private:
  struct Meeting {
    int ranks = 0;  // 0: nobody has come
    int joined = 0;
    std::vector<bool> seats;
    std::unique_ptr<LocalGroup> group;
  };

  static void check(const Meeting& meeting, int ranks, Rank rank);

  std::uint64_t made_ = 0;
  std::map<std::uint64_t, Meeting> meetings_;  // by number
};

}  // namespace tutti
