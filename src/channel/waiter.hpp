// The one way to wait: spin, then give the core away, then sleep on a doorbell; with the deadline,
// aborts and dead peers inside. Ranks that are fibres sleep at once.
//
// No wake-up is lost: a sleeper announces itself in Doorbell::sleepers, then looks at its lines
// once more, then sleeps on the ring that it saw before announcing. A poster fills its line, then
// looks at sleepers. Transport::announce_fence orders the one pair, Window::post the other, so that
// either the sleeper sees the line or the poster sees the sleeper.
#pragma once

#include <sched.h>

#include <tutti/transport.hpp>
#include <type_traits>
#include <vector>

namespace tutti {

// What a waiter needs to know when it does not end well, and while it waits long.
class WaitSubject {
 public:
  virtual ~WaitSubject() = default;
  // Appends the ranks whose marks are not there yet.
  virtual void missing(std::vector<Rank>& ranks) const = 0;
  // Throws if the wait cannot succeed: the communicator failed, a missing rank is dead or has left,
  // or an entry shows another operation. `gone` are those of the missing that had died or left
  // before their marks were looked for: who posts its mark and leaves is not among them. Called
  // when the alarm is up, and now and then on long waits.
  virtual void check(const std::vector<Rank>& missing, const std::vector<Rank>& gone) const = 0;
  // Throws tuttiTimeout that names the missing ranks.
  [[noreturn]] virtual void expire(const std::vector<Rank>& missing, Nanoseconds waited) const = 0;
};

struct WaitLimits {
  Nanoseconds timeout{};
  Nanoseconds spin{};  // how long to keep the core before sleeping
  Waiting waiting = Waiting::kSpin;
};

class Waiter {
 public:
  Waiter(Transport& transport, Doorbell& own_bell, const WaitLimits& limits)
      : transport_(transport), own_bell_(own_bell), limits_(limits) {}

  // Returns when ready() is true; it must use acquire loads. `bell` is what its marks ring. ready()
  // may itself move work forward and say so once: what it answered is never asked for again.
  template <typename Ready>
  void until(Doorbell& bell, const WaitSubject& subject, Ready&& ready) {
    if (limits_.waiting == Waiting::kSpin ? poll(ready) : hand_round(ready)) return;
    using Callable = std::remove_reference_t<Ready>;
    const Predicate predicate{[](void* context) { return (*static_cast<Callable*>(context))(); },
                              const_cast<void*>(static_cast<const void*>(&ready))};
    wait_slowly(bell, subject, predicate);
  }

  const WaitLimits& limits() const noexcept { return limits_; }

 private:
  struct Predicate {
    bool (*call)(void*);
    void* context;
    bool operator()() const { return call(context); }
  };

  // A flag crosses cores in about 55 ns; a thousand looks without a clock call cover the common
  // case.
  static constexpr int kHotPolls = 1000;

  static void relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }

  template <typename Ready>
  static bool poll(Ready&& ready) {
    for (int i = 0; i < kHotPolls; ++i) {
      if (ready()) return true;
      if (i > 64) relax();
    }
    return false;
  }

  // One round is what a crowded operation costs: all others on this core run once. A clock's pages
  // are not looked at: a switch of processes has emptied the TLB.
  static constexpr int kRounds = 4;

  template <typename Ready>
  bool hand_round(Ready&& ready) {
    if (limits_.waiting == Waiting::kPark) transport_.settle();
    for (int i = 0; i < kRounds; ++i) {
      if (ready()) return true;
      if (limits_.waiting == Waiting::kPark) return false;
      ::sched_yield();
    }
    return false;
  }

  void wait_slowly(Doorbell& bell, const WaitSubject& subject, const Predicate& ready);
  // Fails if the wait cannot succeed, or is late. True: it has succeeded meanwhile.
  bool look_closely(const WaitSubject& subject, const Predicate& ready, Nanoseconds waited);
  // What ready() said before sleeping, which it does not do when it was true.
  bool sleep_once(Doorbell& bell, const Predicate& ready, Nanoseconds at_most);

  Transport& transport_;
  Doorbell& own_bell_;
  WaitLimits limits_;
};

}  // namespace tutti
