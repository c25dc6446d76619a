// The two futex calls that doorbells need, also across processes.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <tutti/transport.hpp>

namespace tutti {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

// Sleeps while `word` shows `seen`, at most `timeout`. May return early.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, Nanoseconds timeout) {
  if (timeout.count() <= 0) return;
  const timespec limit{static_cast<time_t>(timeout.count() / 1'000'000'000),
                       static_cast<long>(timeout.count() % 1'000'000'000)};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

inline void futex_wake_all(std::atomic<std::uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

// Wakes who announced to sleep on `bell`; a load when nobody did.
inline void ring(Doorbell& bell) {
  if (bell.sleepers.load(std::memory_order_seq_cst) == 0) return;
  bell.ring.fetch_add(1, std::memory_order_release);
  futex_wake_all(bell.ring);
}

}  // namespace tutti
