// The meetings of this process. tuttiGetUniqueId returns before its meeting begins and nobody hands
// the meeting back, so that it needs an owner which outlives every call: the one object of this
// folder that belongs to the process. It joins a meeting's thread once the meeting has ended (at
// the next host()) or at exit.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/process.hpp"
#include "bootstrap/meeting.hpp"

namespace tutti {

class MeetingRegistry {
 public:
  static MeetingRegistry& of_process();

  MeetingRegistry() = default;
  ~MeetingRegistry();
  MeetingRegistry(const MeetingRegistry&) = delete;
  MeetingRegistry& operator=(const MeetingRegistry&) = delete;

  // Starts a meeting and returns its id. Thread-safe. tuttiInvalidUsage in a forked child.
  tuttiUniqueId host(const MeetingPlace& place);
  // At the address of this host that other hosts reach, by choose_address.
  tuttiUniqueId host();
  // Meetings that have not ended.
  std::size_t open();

 private:
  void forget_finished();

  const int generation_ = process_generation();
  std::mutex mutex_;
  std::vector<std::unique_ptr<Meeting>> meetings_;
};

}  // namespace tutti
