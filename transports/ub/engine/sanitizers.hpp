// Tells ASan and TSan which stack the thread is on. Empty without them: the only #if about
// sanitizers. (Boost's own announcements exist only for its slow ucontext build.)
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define TUTTI_UB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TUTTI_UB_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define TUTTI_UB_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TUTTI_UB_TSAN 1
#endif
#endif

#if defined(TUTTI_UB_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(TUTTI_UB_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

// Of a function that does not return on the stack, or in the life of it, on which it was called:
// TSan must not count its calls and returns.
#if !defined(TUTTI_UB_TSAN)
#define TUTTI_UB_UNCOUNTED
#elif defined(__clang__)
#define TUTTI_UB_UNCOUNTED __attribute__((disable_sanitizer_instrumentation))
#else
#define TUTTI_UB_UNCOUNTED __attribute__((no_sanitize_thread))
#endif

namespace tutti::ub {

// What the sanitizers know of one stack. A switch: leave() on the old one, jump, arrive() on the
// new one.
class SanitizedStack {
 public:
  SanitizedStack() = default;
  SanitizedStack(const SanitizedStack&) = delete;
  SanitizedStack& operator=(const SanitizedStack&) = delete;

#if defined(TUTTI_UB_TSAN)
  ~SanitizedStack() {
    if (owned_) __tsan_destroy_fiber(fiber_);
  }
  // The thread's own stack; ASan says where it is when it is left.
  void adopt_thread() noexcept { fiber_ = __tsan_get_current_fiber(); }
  void adopt(const std::byte*, std::size_t) noexcept {
    if (owned_ && !spoiled_) return;
    if (owned_) __tsan_destroy_fiber(fiber_);
    fiber_ = __tsan_create_fiber(0);  // milliseconds
    owned_ = true;
    spoiled_ = false;
  }
  // The switch orders what was done before it with what comes after. Inlined: TSan would count the
  // return on the other stack.
  [[gnu::always_inline]] static inline void leave(SanitizedStack&, SanitizedStack& to,
                                                  bool) noexcept {
    __tsan_switch_to_fiber(to.fiber_, 0);
  }
  void arrive(SanitizedStack&) noexcept {}
  // Functions that have begun on it will not return.
  void spoil() noexcept { spoiled_ = true; }

 private:
  void* fiber_ = nullptr;
  bool owned_ = false;
  bool spoiled_ = false;
#elif defined(TUTTI_UB_ASAN)
  void adopt_thread() noexcept {}
  void adopt(const std::byte* low, std::size_t bytes) noexcept {
    bottom_ = low;
    bytes_ = bytes;
    fake_frames_ = nullptr;
  }
  static void leave(SanitizedStack& from, SanitizedStack& to, bool for_good) noexcept {
    __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_frames_, to.bottom_, to.bytes_);
  }
  void arrive(SanitizedStack& from) noexcept {
    __sanitizer_finish_switch_fiber(fake_frames_, &from.bottom_, &from.bytes_);
  }
  void spoil() noexcept {}

 private:
  void* fake_frames_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t bytes_ = 0;
#else
  void adopt_thread() noexcept {}
  void adopt(const std::byte*, std::size_t) noexcept {}
  static void leave(SanitizedStack&, SanitizedStack&, bool) noexcept {}
  void arrive(SanitizedStack&) noexcept {}
  void spoil() noexcept {}
#endif
};

// Frames that were left for good have not cleared their marks.
inline void forget_stack([[maybe_unused]] std::byte* low,
                         [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(TUTTI_UB_ASAN)
  __asan_unpoison_memory_region(low, bytes);
#endif
}

}  // namespace tutti::ub
