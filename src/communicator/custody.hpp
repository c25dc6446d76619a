// Who keeps a communicator in existence beside its handle: operations that are queued on streams or
// in groups. tuttiCommDestroy waits for them; tuttiCommAbort only for those that run already, since
// only these touch the caller's buffers.
#pragma once

#include <mutex>
#include <tutti/transport.hpp>

#include "base/condition.hpp"

namespace tutti {

class Custody {
 public:
  void enter_queue() noexcept {
    const std::lock_guard lock(mutex_);
    ++queued_;
  }
  // True for the last keeper, who deletes the communicator.
  bool leave_queue() noexcept {
    const std::lock_guard lock(mutex_);
    if (--queued_ == 0) changed_.notify_all();
    return queued_ == 0 && released_;
  }
  // The handle is gone. True when nothing is queued: the caller deletes the communicator.
  bool release() noexcept {
    const std::lock_guard lock(mutex_);
    released_ = true;
    return queued_ == 0;
  }
  // False when operations are still queued after `timeout`.
  bool await_queue(Nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return queued_ == 0; });
  }

  // A queued operation runs between start() and stop(). False, and not started, when `cancelled()`:
  // asked under the lock, so that it is either seen here or await_running() waits for this start.
  template <typename Cancelled>
  bool start(Cancelled&& cancelled) {
    const std::lock_guard lock(mutex_);
    if (cancelled()) return false;
    ++running_;
    return true;
  }
  void stop() noexcept {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) changed_.notify_all();
  }
  void await_running() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  std::mutex mutex_;
  Condition changed_{"the queued operations of a communicator"};
  int queued_ = 0;
  int running_ = 0;
  bool released_ = false;
};

}  // namespace tutti
