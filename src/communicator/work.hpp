// A call that does not run in its caller at once: it waits on a stream, or for the end of a group.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "communicator/communicator.hpp"

namespace tutti {

// What a stream runs, once, in its turn.
class Task {
 public:
  virtual ~Task() = default;
  virtual void run() = 0;
};

template <typename Body>
std::unique_ptr<Task> make_task(Body body) {
  class BodyTask final : public Task {
   public:
    explicit BodyTask(Body&& body) : body_(std::move(body)) {}
    void run() override { body_(); }

   private:
    Body body_;
  };
  return std::make_unique<BodyTask>(std::move(body));
}

// An operation on a communicator. It keeps the communicator in existence, and its own copy of what
// the caller may overwrite when the call has returned. issue() comes first, on the thread that
// makes the calls; run() follows on any thread, and reports a failure to the communicator.
class Work : public Task {
 public:
  explicit Work(Communicator& communicator);
  ~Work() override;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  Communicator& communicator() const noexcept { return communicator_; }

  // Takes the operation's place in the communicator's order. In a Call.
  virtual void issue() = 0;
  // tuttiAborted, and the buffers stay untouched, when the communicator was aborted meanwhile.
  void run() final;

 private:
  virtual void execute() = 0;

  Communicator& communicator_;
};

class CollectiveWork final : public Work {
 public:
  CollectiveWork(Communicator& communicator, const Request& request, tuttiRedOp_t op);

  void issue() override { issued_ = communicator().issue(request_, op_); }

 private:
  void execute() override { communicator().execute(*issued_, request_); }

  std::vector<std::size_t> arrays_;  // the counts and displacements that request_ refers to
  Request request_;
  BufferPins pins_;
  tuttiRedOp_t op_;
  std::optional<Communicator::Issued> issued_;
};

// Messages of one communicator that go together: one Send or Recv of a stream, or all of a group.
class MessageWork final : public Work {
 public:
  MessageWork(Communicator& communicator, const Message& message)
      : Work(communicator), transfers_{Transfer{.message = message}} {
    pins_.emplace_back(message, communicator.settings().name);
  }

  // Numbers them; join() them only after that.
  void issue() override {
    for (Transfer& transfer : transfers_) communicator().number(transfer.message);
  }
  // Takes the other's messages along.
  void join(MessageWork& other) {
    transfers_.insert(transfers_.end(), other.transfers_.begin(), other.transfers_.end());
    for (BufferPins& pins : other.pins_) pins_.push_back(std::move(pins));
  }

 private:
  void execute() override { communicator().transfer(transfers_); }

  std::vector<Transfer> transfers_;
  std::vector<BufferPins> pins_;
};

}  // namespace tutti
