#include "channel/waiter.hpp"

#include <sched.h>

#include <algorithm>
#include <iterator>

#include "base/fibre_host.hpp"
#include "base/pause.hpp"

namespace tutti {

namespace {

// A long wait looks for disagreement and expiry this often even when nobody rings.
constexpr Nanoseconds kCheckInterval = std::chrono::milliseconds(20);

// Looks between two readings of the clock. A fibre looks when it announces itself.
int polls_per_clock(Waiting waiting) noexcept {
  switch (waiting) {
    case Waiting::kSpin:
      return 32;
    case Waiting::kYield:
      return 1;
    case Waiting::kPark:
      break;
  }
  return 0;
}

// Nothing comes to a fibre that is being ended, also where a KeepFibre is open.
void check_fibre() {
  FibreHost* host = current_context().host;
  if (host != nullptr && host->ending()) throw FibreUnwind{};
}

// Announced as long as it lives.
class Sleeper {
 public:
  explicit Sleeper(Doorbell& bell) noexcept : bell_(bell) {
    // Pairs with the load of sleepers in Window::post; seq_cst, and announce_fence after it, put it
    // before the re-check.
    bell_.sleepers.fetch_add(1, std::memory_order_seq_cst);
  }
  ~Sleeper() { bell_.sleepers.fetch_sub(1, std::memory_order_relaxed); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

 private:
  Doorbell& bell_;
};

}  // namespace

bool Waiter::sleep_once(Doorbell& bell, const Predicate& ready, Nanoseconds at_most) {
  const std::uint32_t seen = bell.ring.load(std::memory_order_acquire);
  const Sleeper announced(bell);
  transport_.announce_fence();
  const bool done = ready();
  if (!done && own_bell_.alarm.load(std::memory_order_acquire) == 0) {
    transport_.sleep(bell, seen, at_most);
  }
  return done;
}

// States first, then marks: the acquire of a peer's state pairs with the release by which it left,
// and all its marks come before that.
bool Waiter::look_closely(const WaitSubject& subject, const Predicate& ready, Nanoseconds waited) {
  static_cast<void>(transport_.failure());  // keeps the watch over the peers going
  std::vector<Rank> missing;                // allocates only when something is wrong or late
  subject.missing(missing);
  std::vector<Rank> gone;
  std::copy_if(missing.begin(), missing.end(), std::back_inserter(gone),
               [&](Rank peer) { return transport_.peer_state(peer) != PeerState::kAlive; });
  if (ready()) return true;
  missing.clear();
  subject.missing(missing);
  std::erase_if(gone, [&](Rank peer) {
    return std::find(missing.begin(), missing.end(), peer) == missing.end();
  });
  subject.check(missing, gone);
  if (waited >= limits_.timeout) subject.expire(missing, waited);
  return false;
}

void Waiter::wait_slowly(Doorbell& bell, const WaitSubject& subject, const Predicate& ready) {
  Clock& clock = transport_.clock();
  const Nanoseconds start = clock.now();
  const Nanoseconds deadline = start + limits_.timeout;
  const bool parks = limits_.waiting == Waiting::kPark;
  const Nanoseconds spin_end = parks ? start : start + limits_.spin;
  const int polls = polls_per_clock(limits_.waiting);
  Nanoseconds next_check = start + kCheckInterval;
  for (Nanoseconds now = start;; now = clock.now()) {
    if (parks) check_fibre();
    for (int i = 0; i < polls; ++i) {
      if (ready()) return;
      if (limits_.waiting == Waiting::kYield) {
        ::sched_yield();
      } else {
        relax();
      }
    }
    transport_.progress();
    const bool alarmed = own_bell_.alarm.load(std::memory_order_acquire) != 0;
    if (alarmed || now >= next_check || now >= deadline) {
      next_check = now + kCheckInterval;
      if (look_closely(subject, ready, now - start)) return;
      // With an alarm that does not concern this wait, sleeping would return at once, every time.
      if (alarmed) {
        give_core_away();
        continue;
      }
    }
    if (now >= spin_end && sleep_once(bell, ready, std::min(deadline, next_check) - now)) return;
    if (ready()) return;
  }
}

}  // namespace tutti
