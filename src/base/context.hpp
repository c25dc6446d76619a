// What belongs to the thread (or fibre) that runs now, in one place, so that a scheduler of fibres
// can swap it whole. The library has no other thread_local.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tutti {

class FibreHost;

// Trivially destructible: usable from destructors that run while a thread or the process ends.
struct ThreadContext {
  static constexpr std::size_t kErrorBytes = 1024;

  int log_rank = -1;      // shown in log lines; -1: none
  void* group = nullptr;  // the group this thread has open; owned and interpreted by communicator/
  FibreHost* host = nullptr;          // whose fibre runs; nullptr: a thread of its own
  void* lane = nullptr;               // which of the host's lanes runs; interpreted by the host
  int kept = 0;                       // open KeepFibre scopes
  char last_error[kErrorBytes] = {};  // of calls without a communicator; empty: none

  void set_last_error(std::string_view text) noexcept {
    const std::size_t length = std::min(text.size(), kErrorBytes - 1);
    std::copy_n(text.data(), length, last_error);
    last_error[length] = '\0';
  }
};

// Never inlined, so that no caller keeps the address of thread-local storage across a fibre switch.
ThreadContext& current_context() noexcept;

// Makes `context` the current one until the next exchange; nullptr: the thread's own. Returns what
// it was given last. For schedulers of fibres; `context` outlives its use.
ThreadContext* exchange_context(ThreadContext* context) noexcept;

}  // namespace tutti
