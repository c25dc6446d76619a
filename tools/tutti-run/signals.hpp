// The signals that guard and supervisor take, always blocked and read one by one.
#pragma once

#include <signal.h>

#include <vector>

#include "base/descriptor.hpp"

namespace tutti::launcher {

// SIGCHLD, and those that go on to the ranks.
sigset_t handled_signals();

// Blocks them and ignores SIGPIPE. restore_signals(), in a rank before it becomes the program,
// undoes both; async-signal-safe.
void block_signals();
void restore_signals();

// Readable when one of them has come; tuttiSystemError. And those that have.
Descriptor open_signals();
std::vector<int> take_signals(const Descriptor& signals);

// Whether the rank's children get it too: what ends things does, what speaks to the program does
// not.
constexpr bool goes_to_group(int signal) { return signal != SIGUSR1 && signal != SIGUSR2; }

}  // namespace tutti::launcher
