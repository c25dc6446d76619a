// The object a tuttiStream_t points to: a worker that runs tasks in the order in which they
// were queued, beside whoever queued them.
//
// Operations of one communicator on several streams run at the same time and may finish in any
// order. Its channel has `depth` slots; issuing one more operation waits, in the caller, for the
// oldest to finish. That cannot deadlock by itself: the workers need nothing of the caller. It can
// when the caller holds back what a stream waits for, such as a host function that waits for the
// caller.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "base/condition.hpp"
#include "base/process.hpp"
#include "base/worker.hpp"
#include "communicator/crew.hpp"
#include "communicator/work.hpp"

namespace tutti {

class Stream {
 public:
  Stream();
  // Runs what is queued first; on a fibre that is being ended, drops it.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // tuttiInvalidUsage in a forked child, which has no workers.
  void check_process() const;

  void push(std::unique_ptr<Task> task);
  // Issues `work` and queues it. In a Call on its communicator.
  void enqueue(std::unique_ptr<Work> work);

  // Is everything queued so far done? Throws the first error since the last synchronize().
  bool idle();
  // Waits for everything queued so far; throws the first error and forgets it.
  void synchronize();
  // tuttiInvalidUsage on the worker itself, which would wait for itself.
  void check_not_inside() const;

  // For the operations of groups on this stream; the worker runs it.
  Crew& crew() noexcept { return crew_; }

 private:
  void work();

  const int generation_ = process_generation();
  mutable std::mutex mutex_;
  Condition queued_{"work on a stream"};
  Condition done_{"the work on a stream to be done"};
  std::deque<std::unique_ptr<Task>> queue_;
  std::uint64_t pushed_count_ = 0;
  std::uint64_t done_count_ = 0;
  std::optional<Error> error_;
  bool closing_ = false;
  Crew crew_;
  Worker worker_;
};

}  // namespace tutti

struct tuttiStream final : tutti::Stream {};
