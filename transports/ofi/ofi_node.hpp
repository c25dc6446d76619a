// This process on libfabric.
#pragma once

#include <memory>

#include "transports/packets/fabric.hpp"
#include "transports/packets/node.hpp"

namespace tutti::ofi {

// On the provider that choose_provider() takes (provider.hpp).
// tuttiSystemError that says why where there is none, tuttiInvalidArgument that lists what there is
// where the name is of none.
std::unique_ptr<packets::Fabric> open_fabric();

// Made at first use; lives until the process ends. Throws what open_fabric() throws. A forked child
// has one of its own.
packets::Node& node_of_this_process();

}  // namespace tutti::ofi
