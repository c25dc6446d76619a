// This process on the network of the plugin that TUTTI_TRANSPORT_PLUGIN names. A process has one.
#pragma once

#include "transports/packets/node.hpp"
#include "transports/plugin/plugin_library.hpp"

namespace tutti::plugin {

// Does TUTTI_TRANSPORT_PLUGIN name one?
bool is_named();

// Loaded at the first call. Throws what load_plugin() throws; tuttiInvalidArgument where none is
// named, tuttiInvalidUsage where another one was before.
const Plugin& plugin_of_this_process();

// Made at first use; lives until the process ends. Throws what the above and open_fabric() throw. A
// forked child has one of its own.
packets::Node& node_of_this_process();

}  // namespace tutti::plugin
