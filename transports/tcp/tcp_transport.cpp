#include "transports/tcp/tcp_transport.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bootstrap/interfaces.hpp"
#include "topology/host_identity.hpp"
#include "topology/sharing.hpp"

namespace tutti::tcp {

namespace {

// What each rank tells the others before it connects to any.
struct Hello {
  NodeId node;
  SocketAddress address;
  std::uint32_t port;
  HostShare share;
};

// Where this process lets the ranks of a communicator in: on loopback, where all share a host.
SocketAddress listen_for(Node& node, Bootstrap& bootstrap) {
  const HostIdentity mine = host_identity();
  const std::vector<HostIdentity> hosts = all_gather_value(bootstrap, mine);
  const bool one_host = std::all_of(hosts.begin(), hosts.end(),
                                    [&](const HostIdentity& each) { return each == mine; });
  if (one_host) return node.listen(nullptr);
  const ChosenAddress chosen =
      choose_address(interfaces(), InterfaceRule::from_environment(), bootstrap.local_end());
  TUTTI_INFO(kNet, "reached by {}", chosen.reason);
  return node.listen(&chosen.address);
}

}  // namespace

TcpTransport::TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout)
    : TcpTransport(bootstrap, timeout, Node::of_this_process()) {}

TcpTransport::TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node)
    : TcpTransport(bootstrap, timeout, node,
                   std::make_shared<Endpoint>(node, bootstrap.rank(), bootstrap.ranks())) {}

TcpTransport::TcpTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
                           const std::shared_ptr<Endpoint>& endpoint)
    : MessageTransport(bootstrap, timeout, node, endpoint) {
  Hello mine{};
  mine.node = node.id();
  mine.address = listen_for(node, bootstrap);
  mine.port = endpoint->number();
  mine.share = host_share();
  const std::vector<Hello> hellos = all_gather_value(bootstrap, mine);
  std::vector<Endpoint::Peer> peers;
  std::vector<SocketAddress> addresses;
  std::vector<HostShare> shares;
  for (const Hello& hello : hellos) {
    peers.push_back({.node = hello.node, .port = hello.port});
    addresses.push_back(hello.address);
    shares.push_back(hello.share);
  }
  const double sharing = ranks_to_a_core(shares);
  set_waiting(sharing > 1 ? Waiting::kYield : Waiting::kSpin);
  costs_ = message::MessageCosts(kTcpCosts, sharing);
  if (crowded()) node.poller().set_crowded();
  endpoint->meet(std::move(peers), std::move(addresses), bootstrap.key());
  TUTTI_INFO(kNet, "{} ranks by TCP: {}", bootstrap.ranks(),
             crowded() ? "waiting gives the core away" : "waiting spins first");
}

}  // namespace tutti::tcp
