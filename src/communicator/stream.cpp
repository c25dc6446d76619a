#include "communicator/stream.hpp"

#include "base/error.hpp"

namespace tutti {

namespace {

// What is thrown by a task stops here, so that the queue goes on; but for the end of the fibre.
std::optional<Error> run(Task& task) {
  try {
    task.run();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(tuttiInternalError, error.what());
  } catch (const FibreUnwind&) {
    throw;
  } catch (...) {
    return Error(tuttiInvalidUsage, "a host function threw something");
  }
}

}  // namespace

Stream::Stream() : worker_("tutti-stream", [this] { work(); }) {}

Stream::~Stream() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  queued_.notify_one();
}  // worker_ goes first, and waits

void Stream::check_process() const {
  if (generation_ != process_generation()) [[unlikely]] {
    fail(tuttiInvalidUsage, "the stream was made by this process's parent, before fork()");
  }
}

void Stream::check_not_inside() const {
  check_process();
  if (worker_.is_current()) {
    fail(tuttiInvalidUsage, "a host function waits for the stream that runs it");
  }
}

void Stream::push(std::unique_ptr<Task> task) {
  check_process();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    ++pushed_count_;
  }
  queued_.notify_one();
}

void Stream::enqueue(std::unique_ptr<Work> work) {
  check_process();
  work->communicator().channel().become_concurrent();
  work->issue();
  // An issued operation that never runs would leave a gap for ever.
  work->communicator().guarded([&] { push(std::move(work)); });
}

bool Stream::idle() {
  check_process();
  const std::lock_guard lock(mutex_);
  if (error_) throw Error(*error_);
  done_.hear();
  return done_count_ == pushed_count_;
}

void Stream::synchronize() {
  check_not_inside();
  std::unique_lock lock(mutex_);
  const std::uint64_t target = pushed_count_;
  done_.wait(lock, [&] { return done_count_ >= target; });
  if (!error_) return;
  const Error error = *std::exchange(error_, std::nullopt);
  throw error;
}

void Stream::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    queued_.wait(lock, [this] { return !queue_.empty() || closing_; });
    if (queue_.empty()) return;
    std::unique_ptr<Task> task = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    std::optional<Error> error = run(*task);
    task.reset();
    lock.lock();
    if (error && !error_) error_ = std::move(error);
    ++done_count_;
    done_.notify_all();
  }
}

}  // namespace tutti
