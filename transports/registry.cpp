#include "transports/registry.hpp"

#include "base/error.hpp"
#include "transports/shm/shm_transport.hpp"
#include "transports/tcp/tcp_transport.hpp"
#include "transports/ub/bus/bus_transport.hpp"
#include "transports/ub/processes/process_transport.hpp"

namespace tutti {

void check_transport(const std::string& name) {
  if (name.empty() || name == "shm" || name == "tcp") return;
  if (name == "ub" && ub::ProcessRank::if_any() != nullptr) return;
  if (name == "ub") return ub::BusTransport::check_caller();
  fail(tuttiInvalidArgument, "there is no transport \"{}\"; built in: shm, tcp, ub", name);
}

std::unique_ptr<Transport> open_transport(const std::string& name, Bootstrap& bootstrap,
                                          Nanoseconds timeout) {
  check_transport(name);
  if ((name == "ub" || name.empty()) && ub::ProcessRank::if_any() != nullptr) {
    return std::make_unique<ub::ProcessTransport>(bootstrap);
  }
  if (name == "ub" || (name.empty() && ub::BusTransport::is_reachable())) {
    return std::make_unique<ub::BusTransport>(bootstrap);
  }
  if (name == "tcp") return std::make_unique<tcp::TcpTransport>(bootstrap, timeout);
  return std::make_unique<shm::ShmTransport>(bootstrap);
}

}  // namespace tutti
