#include "transports/registry.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "transports/hybrid/hybrid_transport.hpp"
#include "transports/network_choice.hpp"
#include "transports/ofi/fabric_search.hpp"
#include "transports/ofi/ofi_node.hpp"
#include "transports/packets/packet_transport.hpp"
#include "transports/plugin/plugin_node.hpp"
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

std::unique_ptr<NetworkTransport> open_plugin(Bootstrap& bootstrap, Nanoseconds timeout) {
  return std::make_unique<packets::PacketTransport>(bootstrap, timeout,
                                                    plugin::node_of_this_process());
}

using OpenNetwork = hybrid::HybridTransport::OpenFar;

// For a choice of transport that has a network.
OpenNetwork network_of(const std::string& name) {
  if (name == "ofi" || name == "shm+ofi") return open_ofi;
  if (name == "plugin" || name == "shm+plugin") return open_plugin;
  return open_tcp;
}

// One that can be opened; then it is.
FoundFabric usable_fabric() {
  const ofi::FabricSearch search = ofi::search_fabric();
  if (search.name.empty()) return {.why_not = search.why_not};
  try {
    ofi::node_of_this_process();
  } catch (const Error& error) {
    return {.why_not = error.what()};
  }
  return {.name = search.name};
}

// For several hosts, where no transport is named. Collective.
OpenNetwork default_network(Bootstrap& bootstrap) {
  if (plugin::is_named()) return open_plugin;
  const NetworkChoice choice = agree_on_network(bootstrap, usable_fabric());
  TUTTI_INFO(kNet, "between hosts by {}: {}", choice.fabric ? "ofi" : "tcp", choice.why);
  return choice.fabric ? open_ofi : open_tcp;
}

bool is_simulated() {
  return ub::ProcessRank::if_any() != nullptr || ub::BusTransport::is_reachable();
}

// For the ranks of a host that is one of several.
std::unique_ptr<Transport> open_near(Bootstrap& bootstrap, Nanoseconds) {
  return std::make_unique<shm::ShmTransport>(bootstrap, shm::DeathWatch::kElsewhere);
}

}  // namespace

void check_transport(const std::string& name) {
  if (name.empty() && plugin::is_named() && !is_simulated()) {
    return static_cast<void>(plugin::plugin_of_this_process());
  }
  if (name.empty() || name == "shm" || name == "tcp" || name == "shm+tcp") return;
  if (name == "ub" && ub::ProcessRank::if_any() != nullptr) return;
  if (name == "ub") return ub::BusTransport::check_caller();
  if (name == "ofi" || name == "shm+ofi") return static_cast<void>(ofi::node_of_this_process());
  if (name == "plugin" || name == "shm+plugin") {
    return static_cast<void>(plugin::node_of_this_process());
  }
  fail(tuttiInvalidArgument,
       "there is no transport \"{}\"; built in: shm, tcp, shm+tcp, ofi, shm+ofi, plugin, "
       "shm+plugin, ub",
       name);
}

std::string agreed_transport(const std::string& name) {
  return name.empty() && plugin::is_named() && !is_simulated() ? "plugin between hosts" : name;
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
  if (name == "tcp" || name == "ofi" || name == "plugin") {
    return network_of(name)(bootstrap, timeout);
  }
  if (name == "shm") return std::make_unique<shm::ShmTransport>(bootstrap);
  hybrid::Hosts hosts(bootstrap);
  if (name.empty() && hosts.count() == 1) return std::make_unique<shm::ShmTransport>(bootstrap);
  const OpenNetwork open_network = name.empty() ? default_network(bootstrap) : network_of(name);
  if (name.empty() && hosts.count() == hosts.ranks()) return open_network(bootstrap, timeout);
  return std::make_unique<hybrid::HybridTransport>(bootstrap, std::move(hosts), open_near,
                                                   open_network, timeout);
}

}  // namespace tutti
