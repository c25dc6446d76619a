#include "base/pause.hpp"

#include <sched.h>

#include <thread>

#include "base/clock.hpp"
#include "base/fibre_host.hpp"

namespace tutti {
namespace {

// What asking once more takes in virtual time.
constexpr Nanoseconds kPoll{100};

// Until the time has come, whatever wakes the fibre between.
void park_for(FibreHost& host, Nanoseconds time) {
  const Nanoseconds end = host.now() + time;
  do {
    host.park(end, "time to pass");
  } while (may_wait_on(host) && host.now() < end);
}

}  // namespace

Nanoseconds current_time() noexcept {
  FibreHost* host = current_context().host;
  return host != nullptr ? host->now() : steady_now();
}

void give_core_away() {
  if (FibreHost* host = current_context().host) {
    park_for(*host, kPoll);
  } else {
    ::sched_yield();
  }
}

void pause_for(Nanoseconds time) {
  if (FibreHost* host = current_context().host) {
    park_for(*host, time);
  } else {
    std::this_thread::sleep_for(time);
  }
}

}  // namespace tutti
