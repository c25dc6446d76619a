// The transports that the conformance suite runs over. A new transport adds one line to kKinds.
#pragma once

#include <array>
#include <memory>
#include <tutti/transport.hpp>

#include "bootstrap/bootstrap.hpp"
#include "transports/registry.hpp"

namespace tutti::test {

struct TransportKind {
  const char* name;
  std::unique_ptr<Transport> (*open)(Bootstrap& bootstrap);
};

inline constexpr std::array kKinds = {
    TransportKind{"shm", [](Bootstrap& bootstrap) { return open_transport("shm", bootstrap); }},
};

}  // namespace tutti::test
