// Whose turn a lane is: how both sides hand it over and wait for it.
#pragma once

#include "base/futex.hpp"
#include "transports/ub/processes/wire.hpp"

namespace tutti::ub::wire {

// Everything that was written before is visible to who takes the turn. A system call only if the
// other side has said that it sleeps; seq_cst on both sides: either this sees that, or the other
// one sees the turn.
inline void give_turn(Lane& lane, Turn to) noexcept {
  lane.turn.store(to, std::memory_order_seq_cst);
  if (lane.sleeps[to].load(std::memory_order_seq_cst) != 0) futex_wake_all(lane.turn);
}

inline bool has_turn(const Lane& lane, Turn mine) noexcept {
  return lane.turn.load(std::memory_order_seq_cst) == mine;
}

// Looks so often before anybody sleeps: an answer comes at once, or much later.
inline bool look_for_turn(const Lane& lane, Turn mine, int looks) noexcept {
  for (int i = 0; i < looks; ++i) {
    if (has_turn(lane, mine)) return true;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }
  return has_turn(lane, mine);
}

// Sleeps until the turn may have come, at most `timeout`.
inline void sleep_for_turn(Lane& lane, Turn mine, Nanoseconds timeout) noexcept {
  lane.sleeps[mine].store(1, std::memory_order_seq_cst);
  if (!has_turn(lane, mine)) {
    futex_wait(lane.turn, mine == kOfProcess ? kOfSimulation : kOfProcess, timeout);
  }
  lane.sleeps[mine].store(0, std::memory_order_relaxed);
}

}  // namespace tutti::ub::wire
