#include "transports/registry.hpp"

#include "base/error.hpp"
#include "transports/shm/shm_transport.hpp"
#include "transports/ub/bus/bus_transport.hpp"

namespace tutti {

std::unique_ptr<Transport> open_transport(const std::string& name, Bootstrap& bootstrap) {
  if (name.empty() || name == "shm") return std::make_unique<shm::ShmTransport>(bootstrap);
  if (name == "ub") return std::make_unique<ub::BusTransport>(bootstrap);
  fail(tuttiInvalidArgument, "there is no transport \"{}\"; built in: shm, ub", name);
}

}  // namespace tutti
