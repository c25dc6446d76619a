// The built-in transports: the only place that knows which there are.
#pragma once

#include <memory>
#include <string>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"

namespace tutti {

// Collective. `name`: TUTTI_TRANSPORT or the configuration's; empty: the best that reaches every
// rank. tuttiInvalidArgument, listing the names, for one that is not built in; tuttiInvalidUsage
// for "ub" outside a simulation.
std::unique_ptr<Transport> open_transport(const std::string& name, Bootstrap& bootstrap);

}  // namespace tutti
