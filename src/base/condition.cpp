#include "base/condition.hpp"

#include <algorithm>
#include <utility>

#include "base/pause.hpp"

namespace tutti {

Condition::WaitingFibre::WaitingFibre(Condition& condition, FibreHost& host)
    : condition_(condition), host_(host), fibre_(host.current()), before_(condition.last_) {
  (before_ == nullptr ? condition_.first_ : before_->after_) = this;
  condition_.last_ = this;
}

Condition::WaitingFibre::~WaitingFibre() {
  (before_ == nullptr ? condition_.first_ : before_->after_) = after_;
  (after_ == nullptr ? condition_.last_ : after_->before_) = before_;
}

bool Condition::WaitingFibre::park(std::unique_lock<std::mutex>& lock, Nanoseconds deadline) {
  struct Unlocked {
    std::unique_lock<std::mutex>& lock;
    explicit Unlocked(std::unique_lock<std::mutex>& its) : lock(its) { lock.unlock(); }
    ~Unlocked() { lock.lock(); }
  };
  woken_ = false;
  const Unlocked unlocked(lock);
  host_.park(deadline, condition_.what_);
  return may_wait_on(host_);
}

Nanoseconds Condition::deadline_of(Nanoseconds timeout) noexcept {
  constexpr Nanoseconds kLongest = std::chrono::hours{24 * 365};
  return current_time() + std::min(timeout, kLongest);
}

void Condition::wake_first() {
  for (WaitingFibre* each = first_; each != nullptr; each = each->after_) {
    if (each->woken_) continue;
    each->woken_ = true;
    return each->host_.wake(each->fibre_);
  }
}

void Condition::wake_all() {
  for (WaitingFibre* each = first_; each != nullptr; each = each->after_) {
    if (!std::exchange(each->woken_, true)) each->host_.wake(each->fibre_);
  }
}

void LongMutex::lock() {
  std::unique_lock lock(mutex_);
  free_.wait(lock, [this] { return !held_; });
  // Where it is not free after that, the fibre is being ended within a KeepFibre, and who holds it
  // does not run before this one has ended.
  held_ = true;
}

void LongMutex::unlock() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  free_.notify_one();
}

}  // namespace tutti
