// tutti-run --agent: starts the ranks of one host for a tutti-run elsewhere, which job.hpp's words
// reach on standard input.
#pragma once

namespace tutti::launcher {

// Returns when all ranks have ended, or the other tutti-run has gone: nothing that the ranks
// started runs then.
int run_agent();

}  // namespace tutti::launcher
