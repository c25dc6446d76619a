#include "base/pause.hpp"

#include <sched.h>

#include <thread>

#include "base/clock.hpp"
#include "base/fibre_host.hpp"

namespace tutti {
namespace {

// What asking once more takes in virtual time.
constexpr Nanoseconds kPoll{100};

}  // namespace

Nanoseconds current_time() noexcept {
  FibreHost* host = current_context().host;
  return host != nullptr ? host->now() : steady_now();
}

void give_core_away() {
  if (FibreHost* host = current_context().host) {
    host->pass(kPoll);
  } else {
    ::sched_yield();
  }
}

void pause_for(Nanoseconds time) {
  if (FibreHost* host = current_context().host) {
    host->pass(time);
  } else {
    std::this_thread::sleep_for(time);
  }
}

}  // namespace tutti
