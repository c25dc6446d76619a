// A condition variable for ranks and streams, which are threads or fibres; and a mutex that may be
// held while its holder waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <tutti/transport.hpp>

#include "base/fibre_host.hpp"

namespace tutti {

// Invariants.
// - Waiting releases `lock`, takes it again before anything leaves the call, an exception too, and
//   is done with no other std::mutex held.
// - On fibres: they are woken in the order in which they began to wait, whatever woke them between.
//   Who notifies is a fibre or an event of their host.
// - Whoever waits has left when the condition is destroyed.
class Condition {
 public:
  // What is waited for, in words for the report of a deadlock; a literal.
  explicit Condition(const char* what) noexcept : what_(what) {}
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // Returns when ready(), which is asked with `lock` held, is true. On a fibre that is being ended:
  // throws FibreUnwind, or, where a KeepFibre is open, returns though it is not.
  template <typename Ready>
  void wait(std::unique_lock<std::mutex>& lock, Ready&& ready) {
    FibreHost* const host = current_context().host;
    if (host == nullptr) return threads_.wait(lock, ready);
    if (!ready()) wait_on_fibre(*host, lock, kNoDeadline, ready);
    host->hears(this);
  }

  // The same until `deadline`, a current_time(). Returns what ready() said last.
  template <typename Ready>
  bool wait_until(std::unique_lock<std::mutex>& lock, Nanoseconds deadline, Ready&& ready) {
    FibreHost* const host = current_context().host;
    if (host == nullptr) {
      return threads_.wait_until(lock, std::chrono::steady_clock::time_point(deadline), ready);
    }
    const bool is_ready = ready() || wait_on_fibre(*host, lock, deadline, ready);
    if (is_ready) host->hears(this);
    return is_ready;
  }
  // A timeout of a year or more is a year.
  template <typename Ready>
  bool wait_for(std::unique_lock<std::mutex>& lock, Nanoseconds timeout, Ready&& ready) {
    return wait_until(lock, deadline_of(timeout), ready);
  }

  // With the mutex held: the caller has found by itself that it need not wait.
  void hear() const {
    if (FibreHost* const host = current_context().host) [[unlikely]]
      host->hears(this);
  }

  // With or without the mutex held.
  void notify_one() {
    tell();
    threads_.notify_one();
    if (first_ != nullptr) [[unlikely]]
      wake_first();
  }
  void notify_all() {
    tell();
    threads_.notify_all();
    if (first_ != nullptr) [[unlikely]]
      wake_all();
  }

 private:
  static constexpr Nanoseconds kNoDeadline = Nanoseconds::max();

  // A fibre that waits, in the list for as long as it does. The list is touched by one thread.
  class WaitingFibre {
   public:
    WaitingFibre(Condition& condition, FibreHost& host);
    ~WaitingFibre();
    WaitingFibre(const WaitingFibre&) = delete;
    WaitingFibre& operator=(const WaitingFibre&) = delete;

    // False: waiting longer is in vain.
    bool park(std::unique_lock<std::mutex>& lock, Nanoseconds deadline);

   private:
    friend class Condition;
    Condition& condition_;
    FibreHost& host_;
    const FibreHost::Fibre fibre_;
    bool woken_ = false;  // since it parked last
    WaitingFibre* before_;
    WaitingFibre* after_ = nullptr;
  };

  template <typename Ready>
  bool wait_on_fibre(FibreHost& host, std::unique_lock<std::mutex>& lock, Nanoseconds deadline,
                     Ready& ready) {
    WaitingFibre self(*this, host);
    do {
      if (host.now() >= deadline || !self.park(lock, deadline)) return ready();
    } while (!ready());
    return true;
  }

  void tell() const {
    if (FibreHost* const host = current_context().host) [[unlikely]]
      host->tells(this);
  }
  static Nanoseconds deadline_of(Nanoseconds timeout) noexcept;
  void wake_first();
  void wake_all();

  const char* what_;
  std::condition_variable threads_;
  WaitingFibre* first_ = nullptr;  // of the fibres, by when they began
  WaitingFibre* last_ = nullptr;
};

// A mutex whose holder may wait, and on a fibre park: others wait as fibres do. Not recursive.
class LongMutex {
 public:
  // As Condition's.
  explicit LongMutex(const char* what) noexcept : free_(what) {}

  void lock();
  void unlock();

 private:
  std::mutex mutex_;
  Condition free_;
  bool held_ = false;  // under mutex_
};

}  // namespace tutti
