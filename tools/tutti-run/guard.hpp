// tutti-run is two processes that watch each other: the guard, which the user started, and the
// supervisor, which starts the ranks. Whichever is killed, the other ends the ranks and all that
// they started.
#pragma once

#include <functional>

#include "base/descriptor.hpp"

namespace tutti::launcher {

// Forks. The supervisor calls `supervise` and exits with what it returns; `guard_alive` becomes
// readable when the guard dies. The guard passes signals on, waits for the supervisor and returns
// its exit code. Called while the process has one thread.
int run_guarded(const std::function<int(Descriptor guard_alive)>& supervise);

}  // namespace tutti::launcher
