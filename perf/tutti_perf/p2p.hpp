// tutti-perf p2p: puts and views between two ranks of a simulated fabric, for each distance that
// two of its ranks can have, at the level of the transport contract.
#pragma once

#include "perf/common/report.hpp"
#include "perf/tutti_perf/console.hpp"
#include "perf/tutti_perf/options.hpp"

namespace tutti::perf {

// The peers of rank 0 that are measured: the first rank of every hop class, nearest first.
struct P2pPeer {
  int rank;
  std::string hop_class;  // "sibling_die", "same_node", ...
};

// Fills report.rows, and report.ranks: options.ranks, or as many as reach into a second node. A
// put's time is from the call until its bytes are at the peer, by the line behind it; a view's is
// that of the call. Throws Error for what the fabric does not have and for a rank that failed.
void measure_p2p(const Options& options, Console& console, Report& report);

}  // namespace tutti::perf
