// See the header.
#include "bootstrap/meeting_registry.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bootstrap/interfaces.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

MeetingRegistry& MeetingRegistry::of_process() {
  static MeetingRegistry registry;
  return registry;
}

MeetingRegistry::~MeetingRegistry() {
  if (generation_ == process_generation()) return;
  // A forked child has copies of the meetings without their threads, which nobody may touch. The
  // static pointer (volatile, to be really stored) keeps them, so that they are not taken for a
  // leak.
  [[maybe_unused]] static decltype(meetings_)* volatile kept = nullptr;
  kept = new auto(std::move(meetings_));
}

tuttiUniqueId MeetingRegistry::host() {
  const ChosenAddress chosen = choose_address(interfaces(), InterfaceRule::from_environment());
  TUTTI_INFO(kBootstrap, "ranks are to meet at {}", chosen.reason);
  return host(MeetingPlace{.address = chosen.address});
}

tuttiUniqueId MeetingRegistry::host(const MeetingPlace& place) {
  // The mutex may have been held by another thread at the fork.
  if (generation_ != process_generation()) {
    fail(tuttiInvalidUsage,
         "a unique id cannot be made in a child forked from a process that made one");
  }
  const std::scoped_lock lock(mutex_);
  forget_finished();
  meetings_.push_back(std::make_unique<Meeting>(place));
  const tuttiUniqueId id = meetings_.back()->id();
  TUTTI_INFO(kBootstrap, "ranks meet at {}", address_of(unpack(id)));
  return id;
}

std::size_t MeetingRegistry::open() {
  const std::scoped_lock lock(mutex_);
  forget_finished();
  return meetings_.size();
}

void MeetingRegistry::forget_finished() {
  std::erase_if(meetings_, [](const auto& meeting) { return meeting->finished(); });
}

}  // namespace tutti
