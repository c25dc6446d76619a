// C++ facade: streams, events and groups.
#pragma once

#include <memory>
#include <tutti/types.hpp>
#include <utility>

namespace tutti {
inline namespace facade {

class Event {
 public:
  Event() {
    tuttiEvent_t event = nullptr;
    detail::check(tuttiEventCreate(&event));
    handle_.reset(event);
  }

  tuttiEvent_t get() const noexcept { return handle_.get(); }

  // Reached when everything queued on `stream` so far is done.
  void record(tuttiStream_t stream) { detail::check(tuttiEventRecord(get(), stream)); }

  bool reached() const {
    const tuttiResult_t state = tuttiEventQuery(get());
    if (state == tuttiInProgress) return false;
    detail::check(state);
    return true;
  }

  void synchronize() const { detail::check(tuttiEventSynchronize(get())); }

 private:
  struct Destroy {
    void operator()(tuttiEvent_t event) const noexcept { (void)tuttiEventDestroy(event); }
  };
  std::unique_ptr<tuttiEvent, Destroy> handle_;
};

// The destructor waits for the queue. Converts to tuttiStream_t, which every call takes; nullptr
// there runs the operation in the caller.
class Stream {
 public:
  Stream() {
    tuttiStream_t stream = nullptr;
    detail::check(tuttiStreamCreate(&stream));
    handle_.reset(stream);
  }

  tuttiStream_t get() const noexcept { return handle_.get(); }
  operator tuttiStream_t() const noexcept { return get(); }

  // True when everything queued so far is done; throws the first error since the last
  // synchronize().
  bool idle() const {
    const tuttiResult_t state = tuttiStreamQuery(get());
    if (state == tuttiInProgress) return false;
    detail::check(state);
    return true;
  }

  // Waits for everything queued so far; throws the first error.
  void synchronize() { detail::check(tuttiStreamSynchronize(get())); }

  // What is queued after this waits for the last record() of `event`.
  void wait(const Event& event) { detail::check(tuttiStreamWaitEvent(get(), event.get())); }

  // Runs `work()` in its turn. It must not throw.
  template <std::invocable F>
  void launch(F work) {
    auto owned = std::make_unique<F>(std::move(work));
    detail::check(tuttiLaunchHostFunc(
        get(), [](void* user) { (*std::unique_ptr<F>(static_cast<F*>(user)))(); }, owned.get()));
    (void)owned.release();  // the stream runs and deletes it
  }

 private:
  struct Destroy {
    void operator()(tuttiStream_t stream) const noexcept { (void)tuttiStreamDestroy(stream); }
  };
  std::unique_ptr<tuttiStream, Destroy> handle_;
};

// Calls of this thread between construction and commit() are queued; commit() runs them
// concurrently. There is no way to drop a group: where an exception skips commit(), the destructor
// ends the group and ignores the result. (Nothing is sent when the exception came from a call of
// the group.)
class Group {
 public:
  Group() { detail::check(tuttiGroupStart()); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() {
    if (open_) (void)tuttiGroupEnd();
  }

  void commit() {
    open_ = false;
    detail::check(tuttiGroupEnd());
  }

 private:
  bool open_ = true;
};

}  // namespace facade
}  // namespace tutti
