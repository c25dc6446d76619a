// Groups: operations called between tuttiGroupStart and the outermost tuttiGroupEnd of a thread run
// together at the end. Only operations are queued; every other call acts at once.
//
// At the end, each communicator's operations are issued in the order of its calls, by one driver a
// communicator, all drivers side by side. A driver runs operations without a stream itself, one
// after the other. Operations on streams go to a lane, one for each communicator and stream; the
// stream, in its turn, runs all its lanes of the group side by side. So one thread may hold several
// ranks of one communicator, on one stream or none. Messages of a communicator and lane run beside
// its collectives, all of them together (point_to_point.hpp).
//
// Why no two communicators' collectives wait for each other in a ring: every driver and lane
// belongs to one communicator and stands still only for the oldest unfinished operation of that
// one, or for a free slot, which is the same; and that operation is run, or issued, on every rank
// by somebody who waits for nothing newer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "communicator/work.hpp"

namespace tutti {

class Stream;

// The operations of the group that a thread has open.
class Group {
 public:
  // The current thread's, or null.
  static Group* current() noexcept;
  static void start();
  // tuttiInvalidUsage without a start. The outermost end throws the first error, in the order of
  // the calls: one found while queueing, and then nothing was sent, or one of the operations
  // without a stream.
  static void end();
  // Remembers that a call of the current thread's group failed, if it has one open.
  static void note(const Error& error);

  // In a Call. `stream` may be null.
  void add(std::unique_ptr<Work> collective, Stream* stream);
  void add(std::unique_ptr<MessageWork> message, Stream* stream);
  // Are operations of this communicator queued?
  bool holds(const Communicator& communicator) const noexcept;

  struct Entry {
    Stream* stream;
    Communicator* communicator;
    std::unique_ptr<Work> collective;
    std::unique_ptr<MessageWork> message;  // one of the two
  };

 private:
  int starts_ = 0;
  std::vector<Entry> entries_;
  std::optional<Error> error_;
};

}  // namespace tutti
