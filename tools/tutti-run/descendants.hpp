// Ending every process that this one started, directly or not.
#pragma once

namespace tutti::launcher {

// From now on orphaned descendants become children of this process, so that none can escape.
void adopt_orphans();

// SIGKILLs and reaps all descendants, also those in sessions of their own. Gives up, with false, on
// processes that the kernel does not let die within seconds. Needs adopt_orphans().
bool kill_descendants();

}  // namespace tutti::launcher
