// Measures and verifies a MoE step (dispatch, combine) built on a peer's all-to-all(v).
#pragma once

#include <vector>

#include "perf/common/report.hpp"
#include "perf/peers/options.hpp"
#include "perf/peers/peer.hpp"

namespace tutti::perf {

// Two rows: phase "dispatch" and phase "combine".
std::vector<Row> run_moe(Peer& peer, const PeerOptions& options);

}  // namespace tutti::perf
