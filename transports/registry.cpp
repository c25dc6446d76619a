#include "transports/registry.hpp"

#include "base/error.hpp"
#include "transports/shm/shm_transport.hpp"

namespace tutti {

std::unique_ptr<Transport> open_transport(const std::string& name, Bootstrap& bootstrap) {
  if (name.empty() || name == "shm") return std::make_unique<shm::ShmTransport>(bootstrap);
  fail(tuttiInvalidArgument, "there is no transport \"{}\"; built in: shm", name);
}

}  // namespace tutti
