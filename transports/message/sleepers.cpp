#include "transports/message/sleepers.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/environment.hpp"
#include "base/futex.hpp"

namespace tutti::message {

namespace {
constexpr Nanoseconds kLongestTurn = std::chrono::seconds(1);
}

Sleepers::Sleepers(Network& network)
    : network_(network),
      moved_by_callers_(
          env_choice("TUTTI_PROGRESS", false, {{"thread", false}, {"callers", true}})) {}

void Sleepers::keep_moving(bool on) noexcept {
  if (keeps_moving_.exchange(on, std::memory_order_relaxed) != on && on) network_.rouse_thread();
}

void Sleepers::sleep(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept {
  if (timeout.count() <= 0) return;
  if (leading_.exchange(true, std::memory_order_acq_rel)) {
    {
      const std::lock_guard lock(following_);
      followers_.push_back(&bell);
    }
    futex_wait(bell.ring, seen, timeout);
    const std::lock_guard lock(following_);
    followers_.erase(std::find(followers_.begin(), followers_.end(), &bell));
    return;
  }
  leader_bell_.store(&bell, std::memory_order_seq_cst);
  if (bell.ring.load(std::memory_order_seq_cst) == seen) {
    network_.wait(std::min(timeout, kLongestTurn));
  }
  leader_bell_.store(nullptr, std::memory_order_seq_cst);
  network_.poll();
  leading_.store(false, std::memory_order_release);
  const std::lock_guard lock(following_);
  if (!followers_.empty()) futex_wake_all(followers_.front()->ring);  // it leads from now on
}

// A bell is rung before leader_bell_ is looked at, and the leader sets that before it looks at the
// bell: both seq_cst, so that one of them sees the other.
void Sleepers::ring(Doorbell& bell) noexcept {
  if (bell.sleepers.load(std::memory_order_seq_cst) == 0) return;
  bell.ring.fetch_add(1, std::memory_order_seq_cst);
  if (leader_bell_.load(std::memory_order_seq_cst) == &bell) {
    network_.rouse();
    if (bell.sleepers.load(std::memory_order_relaxed) == 1) return;
  }
  futex_wake_all(bell.ring);
}

void Sleepers::sleep_on_bell(Doorbell& bell, std::uint32_t seen, Nanoseconds timeout) noexcept {
  on_bells_.fetch_add(1, std::memory_order_seq_cst);
  if (!thread_looks_.load(std::memory_order_seq_cst)) network_.rouse_thread();
  futex_wait(bell.ring, seen, timeout);
  on_bells_.fetch_sub(1, std::memory_order_seq_cst);
}

bool Sleepers::has_waited(std::uint64_t& polls) const noexcept {
  const std::uint64_t now = polls_.load(std::memory_order_relaxed);
  return std::exchange(polls, now) != now || leading_.load(std::memory_order_relaxed) ||
         on_bells_.load(std::memory_order_relaxed) > 0;
}

bool Sleepers::is_polled() noexcept {
  const std::uint64_t polls = polls_.load(std::memory_order_relaxed);
  const bool polled = polls != polls_seen_ || leading_.load(std::memory_order_acquire);
  polls_seen_ = polls;
  return polled;
}

// seq_cst, as in sleep_on_bell(): either the sleeper sees that the thread does not look, or the
// thread sees the sleeper.
bool Sleepers::may_thread_rest() noexcept {
  const bool polled =
      is_polled() || (moved_by_callers_ && !keeps_moving_.load(std::memory_order_relaxed));
  thread_looks_.store(!polled, std::memory_order_seq_cst);
  if (!polled || on_bells_.load(std::memory_order_seq_cst) == 0) return polled;
  thread_looks_.store(true, std::memory_order_seq_cst);
  return false;
}

}  // namespace tutti::message
