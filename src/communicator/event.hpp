// The object a tuttiEvent_t points to: the last place in a stream's queue that was recorded.
#pragma once

#include <memory>
#include <mutex>

#include "base/condition.hpp"

namespace tutti {

class Stream;

// One recorded place, raised when the stream gets there. Shared by the event, the stream that
// raises it and the streams that wait for it, whichever lives longest.
class Mark {
 public:
  void raise();
  bool raised() const;
  void wait();

 private:
  mutable std::mutex mutex_;
  Condition changed_{"an event"};
  bool raised_ = false;
};

// Thread-safe.
class Event {
 public:
  // `stream` may be null: reached at once.
  void record(Stream* stream);
  bool reached() const;
  void synchronize() const;
  // What is queued on `stream` from now on waits for the last record(); null: the caller waits.
  void hold_up(Stream* stream) const;

 private:
  std::shared_ptr<Mark> last() const;

  mutable std::mutex mutex_;
  std::shared_ptr<Mark> last_;  // null: never recorded, or with no stream
};

}  // namespace tutti

struct tuttiEvent final : tutti::Event {};
