// The operations of a group on one communicator and one stream: collectives one after the other, as
// a driver hands them in, and messages beside them.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "base/condition.hpp"
#include "communicator/work.hpp"

namespace tutti {

class GroupLane {
 public:
  // The driver's side.
  void hand_in(std::unique_ptr<Work> work) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    changed_.notify_one();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

  // The stream's side: returns when the lane is closed and empty. Keeps the first error.
  void run_collectives() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::unique_ptr<Work> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      attempt(*work);
      lock.lock();
    }
  }
  void run_messages() {
    if (messages != nullptr) attempt(*messages);
  }

  std::optional<Error> error() {
    const std::lock_guard lock(error_mutex_);
    return error_;
  }

  // Set before the stream runs the lane.
  bool has_collectives = false;
  bool has_messages = false;
  std::unique_ptr<MessageWork> messages;  // null when they could not be numbered

 private:
  void attempt(Work& work) {
    try {
      work.run();
    } catch (const Error& error) {
      const std::lock_guard lock(error_mutex_);
      if (!error_) error_ = error;
    }
  }

  std::mutex mutex_;
  Condition changed_{"the next operation of a group"};
  std::deque<std::unique_ptr<Work>> queue_;
  bool closed_ = false;
  std::mutex error_mutex_;
  std::optional<Error> error_;
};

}  // namespace tutti
