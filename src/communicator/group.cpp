#include "communicator/group.hpp"

#include <algorithm>
#include <utility>

#include "base/context.hpp"
#include "communicator/group_run.hpp"

namespace tutti {

Group* Group::current() noexcept { return static_cast<Group*>(current_context().group); }

void Group::start() {
  if (current() == nullptr) current_context().group = new Group;
  ++current()->starts_;
}

void Group::end() {
  if (current() == nullptr) fail(tuttiInvalidUsage, "no group is open in this thread");
  if (--current()->starts_ > 0) return;
  // Closed from here on: what runs in this thread now must not be queued again.
  const std::unique_ptr<Group> group(current());
  current_context().group = nullptr;
  if (group->error_) throw Error(*group->error_);
  if (!group->entries_.empty()) GroupRun(group->entries_).run();
}

void Group::note(const Error& error) {
  if (Group* group = current(); group != nullptr && !group->error_) group->error_ = error;
}

void Group::add(std::unique_ptr<Work> collective, Stream* stream) {
  Communicator* communicator = &collective->communicator();
  entries_.push_back(
      {.stream = stream, .communicator = communicator, .collective = std::move(collective)});
}

void Group::add(std::unique_ptr<MessageWork> message, Stream* stream) {
  Communicator* communicator = &message->communicator();
  entries_.push_back(
      {.stream = stream, .communicator = communicator, .message = std::move(message)});
}

bool Group::holds(const Communicator& communicator) const noexcept {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.communicator == &communicator; });
}

}  // namespace tutti
