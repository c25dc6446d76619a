// A plugin's network, as packets::Fabric.
#pragma once

#include <memory>

#include "transports/packets/fabric.hpp"
#include "transports/plugin/plugin_library.hpp"

namespace tutti::plugin {

// Opens the network. tuttiSystemError with the plugin's reason where it does not, or where what it
// says of its endpoint cannot be.
std::unique_ptr<packets::Fabric> open_fabric(const Plugin& plugin);

}  // namespace tutti::plugin
