// How a peer's operation is timed: batches of at least 20 us, back to back, the maximum over ranks.
#pragma once

#include <cstddef>
#include <functional>

#include "perf/common/report.hpp"
#include "perf/peers/options.hpp"
#include "perf/peers/peer.hpp"

namespace tutti::perf {

// Runs `iteration` on every rank and fills iters, batch, mode and time_us of `row`, the same on
// every rank.
void time_iterations(Peer& peer, const PeerOptions& options, const std::function<void()>& iteration,
                     Row& row);

// Sum over ranks.
std::size_t total(Peer& peer, std::size_t value);

}  // namespace tutti::perf
