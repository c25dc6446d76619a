// Who notices that a process died. The processes of a communicator form a star: the leader (the
// process of the lowest rank that is still there) watches all others by pidfd, the others watch the
// leader; when it goes, the next takes over. What is seen is marked in the control memory, for
// everybody.
#pragma once

#include <memory>
#include <set>
#include <tutti/transport.hpp>
#include <vector>

#include "transports/shm/control_memory.hpp"

namespace tutti::shm {

// One communicator's part. Registered with the process's one watcher thread as long as it lives.
class LivenessWatch {
 public:
  // pids[r]: the process of rank r.
  LivenessWatch(std::shared_ptr<ControlMemory> memory, std::vector<int> pids);
  ~LivenessWatch();
  LivenessWatch(const LivenessWatch&) = delete;
  LivenessWatch& operator=(const LivenessWatch&) = delete;

  // Looks again whom to watch, if ranks have gone since the last look.
  void refresh();

 private:
  friend class ProcessWatcher;

  // Whom this process has to watch now; never itself.
  std::set<int> targets() const;
  void on_death(int pid) noexcept;

  std::shared_ptr<ControlMemory> memory_;
  std::vector<int> pids_;
  std::atomic<std::uint32_t> seen_marks_{0};
};

}  // namespace tutti::shm
