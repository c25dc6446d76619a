#include "communicator/event.hpp"

#include <utility>

#include "base/call_watcher.hpp"
#include "communicator/stream.hpp"

namespace tutti {

void Mark::raise() {
  const std::lock_guard lock(mutex_);
  raised_ = true;
  changed_.notify_all();
}

bool Mark::raised() const {
  const std::lock_guard lock(mutex_);
  if (raised_) changed_.hear();
  return raised_;
}

void Mark::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return raised_; });
}

std::shared_ptr<Mark> Event::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void Event::record(Stream* stream) {
  std::shared_ptr<Mark> mark;
  if (stream != nullptr) {
    mark = std::make_shared<Mark>();
    stream->push(make_task([mark] { mark->raise(); }));
  }
  const std::lock_guard lock(mutex_);
  last_ = std::move(mark);
}

bool Event::reached() const {
  const auto mark = last();
  return mark == nullptr || mark->raised();
}

void Event::synchronize() const {
  if (const auto mark = last()) mark->wait();
}

void Event::hold_up(Stream* stream) const {
  const auto mark = last();
  if (mark == nullptr || mark->raised()) return;
  if (stream == nullptr) {
    mark->wait();
  } else {
    stream->push(make_task([mark] {
      const CallNote note({.kind = "StreamWaitEvent"});
      mark->wait();
    }));
  }
}

}  // namespace tutti
