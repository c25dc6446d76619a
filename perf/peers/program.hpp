// What every peer program does once its world exists: run the operation, print the table, write the
// report.
#pragma once

#include "perf/peers/options.hpp"
#include "perf/peers/peer.hpp"

namespace tutti::perf {

// Exit code of a rank that failed while others may still wait for it.
inline constexpr int kFailedAlone = 3;

// 0, 1 when data was wrong, or kFailedAlone. Rank 0 prints and writes.
int run_program(Peer& peer, const PeerOptions& options, double startup_ms);

}  // namespace tutti::perf
