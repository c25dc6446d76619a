// Kept by one pthread_atfork handler, registered when the library is loaded: before there can be a
// thread that forks.
#include "base/process.hpp"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

namespace tutti {
namespace process_detail {
constinit std::atomic<int> generation{1};
}

namespace {

constinit ProcessToken token;

// getrandom on a kernel that forbids it: time and pid still tell the processes of a host apart.
ProcessToken random_token() noexcept {
  ProcessToken made;
  if (getrandom(&made, sizeof(made), 0) != static_cast<ssize_t>(sizeof(made))) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    made.high = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
                static_cast<std::uint64_t>(now.tv_nsec);
    made.low = static_cast<std::uint64_t>(getpid());
  }
  return made;
}

void become_child() noexcept {
  process_detail::generation.fetch_add(1, std::memory_order_relaxed);
  token = random_token();
}

[[gnu::constructor(101)]] void watch_forks() noexcept {
  token = random_token();
  pthread_atfork(nullptr, nullptr, become_child);
}

}  // namespace

ProcessToken process_token() noexcept { return token; }

}  // namespace tutti
