// A place where the one OS thread of a simulation can be: a stack, the registers, and what the
// thread keeps beside them.
#pragma once

#include <cstddef>

#include "base/context.hpp"
#include "transports/ub/engine/sanitizers.hpp"
#include "transports/ub/engine/stack_pool.hpp"

namespace tutti::ub {

// Exactly one context of a thread runs; the others lie where they called jump(). A jump takes along
// the exceptions in flight (__cxa_get_globals), errno and the ThreadContext: each context has its
// own. A context that has started stays with its thread: compilers keep addresses of thread-local
// variables in registers across a jump.
//
// Boost.Context's jump is used as such, below boost::context::fiber: that one returns from a
// finished body after the last announcement to the sanitizers, and ends an unfinished one by an
// exception that looks like any other.
class MachineContext {
 public:
  // Is TUTTI_UB_UNCOUNTED.
  using Entry = void (*)(void* argument) noexcept;

  MachineContext() = default;
  MachineContext(const MachineContext&) = delete;
  MachineContext& operator=(const MachineContext&) = delete;

  // The thread as it runs now.
  void adopt_thread() noexcept { sanitized_.adopt_thread(); }

  // The first jump here calls entry(argument) on `stack`, without exceptions, errno 0, `state` the
  // current ThreadContext. `entry` never returns: it ends with jump_for_good(). `state` and the
  // stack outlive that.
  struct Start {
    Stack stack;
    ThreadContext* state;
    Entry entry;
    void* argument;
  };
  void prepare(const Start& start) noexcept;

  // Goes on in `to`; returns when something jumps to `from`, which is where the thread is.
  static void jump(MachineContext& from, MachineContext& to) noexcept { jump(from, to, false); }
  // Nothing jumps to `from` again before prepare(). Its stack is free once somebody else runs.
  // Called by the Entry itself; from deeper calls, which then do not return, abandon_calls() goes
  // before.
  [[noreturn]] TUTTI_UB_UNCOUNTED static void jump_for_good(MachineContext& from,
                                                            MachineContext& to) noexcept;
  void abandon_calls() noexcept { sanitized_.spoil(); }

 private:
  // struct __cxa_eh_globals of the Itanium C++ ABI.
  struct Exceptions {
    void* caught;
    unsigned int uncaught;
  };
  struct Arrival;  // the other side of a jump

  TUTTI_UB_UNCOUNTED static void jump(MachineContext& from, MachineContext& to,
                                      bool for_good) noexcept;

  void* place_ = nullptr;             // Boost's: where it continues
  MachineContext* target_ = nullptr;  // of its last jump
  Exceptions exceptions_{};
  int errno_ = 0;
  ThreadContext* state_ = nullptr;
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  [[no_unique_address]] SanitizedStack sanitized_;
};

}  // namespace tutti::ub
