#include "channel/waiter.hpp"

#include <sched.h>

#include <algorithm>

namespace tutti {

namespace {

// A long wait looks for disagreement and expiry this often even when nobody rings.
constexpr Nanoseconds kCheckInterval = std::chrono::milliseconds(20);
constexpr int kPollsPerClock = 32;

}  // namespace

bool Waiter::sleep_once(Doorbell& bell, const Predicate& ready, Nanoseconds at_most) {
  const std::uint32_t seen = bell.ring.load(std::memory_order_acquire);
  // Pairs with the load of sleepers in Window::post; seq_cst, and announce_fence below, put it
  // before the re-check.
  bell.sleepers.fetch_add(1, std::memory_order_seq_cst);
  transport_.announce_fence();
  const bool done = ready();
  if (!done && own_bell_.alarm.load(std::memory_order_acquire) == 0) {
    transport_.sleep(bell, seen, at_most);
  }
  bell.sleepers.fetch_sub(1, std::memory_order_relaxed);
  return done;
}

void Waiter::wait_slowly(Doorbell& bell, const WaitSubject& subject, const Predicate& ready) {
  Clock& clock = transport_.clock();
  const Nanoseconds start = clock.now();
  const Nanoseconds deadline = start + limits_.timeout;
  const Nanoseconds spin_end = start + limits_.spin;
  Nanoseconds next_check = start + kCheckInterval;
  std::vector<Rank> missing;  // allocates only when something is wrong or late
  for (Nanoseconds now = start;; now = clock.now()) {
    for (int i = 0; i < (limits_.crowded ? 1 : kPollsPerClock); ++i) {
      if (ready()) return;
      if (limits_.crowded) {
        ::sched_yield();
      } else {
        relax();
      }
    }
    transport_.progress();
    const bool alarmed = own_bell_.alarm.load(std::memory_order_acquire) != 0;
    if (alarmed || now >= next_check || now >= deadline) {
      next_check = now + kCheckInterval;
      missing.clear();
      subject.missing(missing);
      // A mark may have been raised just before its writer died: look again before failing.
      if (ready()) return;
      subject.check(missing);
      if (now >= deadline) subject.expire(missing, now - start);
      // With an alarm that does not concern this wait, sleeping would return at once, every time.
      if (alarmed) {
        ::sched_yield();
        continue;
      }
    }
    if (now >= spin_end && sleep_once(bell, ready, std::min(deadline, next_check) - now)) return;
    if (ready()) return;
  }
}

}  // namespace tutti
