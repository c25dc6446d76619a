// Measures and verifies the collectives of a peer library.
#pragma once

#include "perf/common/report.hpp"
#include "perf/peers/options.hpp"
#include "perf/peers/peer.hpp"

namespace tutti::perf {

// One row of `options.op` at `bytes`; throws std::invalid_argument for an operation peers do not
// run.
Row run_collective(Peer& peer, const PeerOptions& options, std::size_t bytes);

}  // namespace tutti::perf
