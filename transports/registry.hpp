// The built-in transports: the only place that knows which there are.
#pragma once

#include <memory>
#include <string>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"

namespace tutti {

// Can this rank open it? Before ranks meet, so that each one hears its own mistake, not that
// another one has gone. tuttiInvalidArgument, listing the names, for one that is not built in;
// tuttiInvalidUsage for "ub" outside a simulation; what ofi::node_of_this_process() throws, and
// that of plugin, whose plugin is loaded also where nothing is named but TUTTI_TRANSPORT_PLUGIN.
void check_transport(const std::string& name);

// What ranks must agree on before they open it: the name and, where none is given, whether a plugin
// connects hosts.
std::string agreed_transport(const std::string& name);

// Collective. `name`: TUTTI_TRANSPORT or the configuration's; empty: the best that reaches every
// rank, which for ranks of a simulation is "ub"; between hosts the plugin that
// TUTTI_TRANSPORT_PLUGIN names, a fabric of libfabric's if all ranks have it (network_choice.hpp),
// or TCP. Throws what check_transport() throws.
// `timeout`: of what a transport itself waits for.
std::unique_ptr<Transport> open_transport(const std::string& name, Bootstrap& bootstrap,
                                          Nanoseconds timeout);

}  // namespace tutti
