// Holds a stream back until the test lets it go on, whether ranks are threads or fibres.
#pragma once

#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <mutex>

#include "base/condition.hpp"

namespace tutti::test {

class Gate {
 public:
  // What is queued on `stream` after this waits for release().
  void hold(tuttiStream_t stream) {
    ASSERT_EQ(tuttiLaunchHostFunc(
                  stream, [](void* gate) { static_cast<Gate*>(gate)->pass(); }, this),
              tuttiSuccess);
  }
  void release() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // Returns after release().
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  Condition changed_{"a gate of the test"};
  bool open_ = false;
};

}  // namespace tutti::test
