#include "transports/registry.hpp"

#include "base/error.hpp"
#include "transports/hybrid/hybrid_transport.hpp"
#include "transports/ofi/ofi_node.hpp"
#include "transports/packets/packet_transport.hpp"
#include "transports/shm/shm_transport.hpp"
#include "transports/tcp/tcp_transport.hpp"
#include "transports/ub/bus/bus_transport.hpp"
#include "transports/ub/processes/process_transport.hpp"

namespace tutti {

namespace {

std::unique_ptr<NetworkTransport> open_tcp(Bootstrap& bootstrap, Nanoseconds timeout) {
  return std::make_unique<tcp::TcpTransport>(bootstrap, timeout);
}

std::unique_ptr<NetworkTransport> open_ofi(Bootstrap& bootstrap, Nanoseconds timeout) {
  return std::make_unique<packets::PacketTransport>(bootstrap, timeout,
                                                    ofi::node_of_this_process());
}

// For the ranks of a host that is one of several.
std::unique_ptr<Transport> open_near(Bootstrap& bootstrap, Nanoseconds) {
  return std::make_unique<shm::ShmTransport>(bootstrap, shm::DeathWatch::kElsewhere);
}

}  // namespace

void check_transport(const std::string& name) {
  if (name.empty() || name == "shm" || name == "tcp" || name == "shm+tcp") return;
  if (name == "ub" && ub::ProcessRank::if_any() != nullptr) return;
  if (name == "ub") return ub::BusTransport::check_caller();
  if (name == "ofi" || name == "shm+ofi") return static_cast<void>(ofi::node_of_this_process());
  fail(tuttiInvalidArgument,
       "there is no transport \"{}\"; built in: shm, tcp, shm+tcp, ofi, shm+ofi, ub", name);
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
  if (name == "tcp") return open_tcp(bootstrap, timeout);
  if (name == "ofi") return open_ofi(bootstrap, timeout);
  if (name == "shm") return std::make_unique<shm::ShmTransport>(bootstrap);
  hybrid::Hosts hosts(bootstrap);
  if (name.empty() && hosts.count() == 1) return std::make_unique<shm::ShmTransport>(bootstrap);
  if (name.empty() && hosts.count() == hosts.ranks()) return open_tcp(bootstrap, timeout);
  return std::make_unique<hybrid::HybridTransport>(
      bootstrap, std::move(hosts), open_near, name == "shm+ofi" ? open_ofi : open_tcp, timeout);
}

}  // namespace tutti
