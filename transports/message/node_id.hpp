// Tells apart the processes that are on the network, as long as there are any.
#pragma once

#include <array>
#include <cstddef>

namespace tutti::message {

using NodeId = std::array<std::byte, 16>;

}  // namespace tutti::message
