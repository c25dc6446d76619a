#include "transports/shm/liveness.hpp"

#include <unistd.h>

#include <utility>

#include "transports/shm/process_watcher.hpp"

namespace tutti::shm {

LivenessWatch::LivenessWatch(std::shared_ptr<ControlMemory> memory, std::vector<int> pids)
    : memory_(std::move(memory)), pids_(std::move(pids)) {
  ProcessWatcher::of_this_process().add(*this);
}

LivenessWatch::~LivenessWatch() { ProcessWatcher::of_this_process().remove(*this); }

std::set<int> LivenessWatch::targets() const {
  std::set<int> present;
  int leader = 0;
  for (Rank rank = 0; rank < memory_->ranks(); ++rank) {
    if (memory_->state(rank) != PeerState::kAlive) continue;
    const int pid = pids_[static_cast<std::size_t>(rank)];
    if (leader == 0) leader = pid;
    present.insert(pid);
  }
  const int self = ::getpid();
  if (leader == self) {
    present.erase(self);
    return present;
  }
  return leader == 0 ? std::set<int>{} : std::set<int>{leader};
}

void LivenessWatch::on_death(int pid) noexcept {
  for (Rank rank = 0; rank < memory_->ranks(); ++rank) {
    if (pids_[static_cast<std::size_t>(rank)] == pid) memory_->mark(rank, PeerState::kDead);
  }
}

void LivenessWatch::refresh() {
  const std::uint32_t marks = memory_->marks();
  if (seen_marks_.exchange(marks, std::memory_order_relaxed) != marks) {
    ProcessWatcher::of_this_process().refresh();
  }
}

}  // namespace tutti::shm
