// What the network between hosts does, measured: algorithms are chosen by it.
#pragma once

#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"
#include "transports/hybrid/hosts.hpp"
#include "transports/hybrid/hybrid_costs.hpp"

namespace tutti::hybrid {

// Collective: every rank reads the untouched staging of one of the next host, all at once, for some
// 20 ms at most. The medians of all ranks, the same on each; of one host: zeros.
Network probe_network(Bootstrap& bootstrap, const Hosts& hosts, ControlWindow& far,
                      const ControlSegment& segment, Clock& clock);

}  // namespace tutti::hybrid
