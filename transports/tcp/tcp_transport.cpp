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
  bool moved_by_callers;  // frames, there
};

const char* name_of_progress(const Hello& hello) {
  return hello.moved_by_callers ? "callers" : "thread";
}

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

// Has none of the ranks before it that rank's address?
bool is_first_of_host(const std::vector<SocketAddress>& addresses, std::size_t rank) {
  return std::none_of(
      addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(rank),
      [&](const SocketAddress& each) { return is_same_host(each, addresses[rank]); });
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
  mine.moved_by_callers = node.mover().is_moved_by_callers();
  const std::vector<Hello> hellos = all_gather_value(bootstrap, mine);
  std::vector<Endpoint::Peer> peers;
  std::vector<HostShare> shares;
  for (const Hello& hello : hellos) {
    if (hello.moved_by_callers != mine.moved_by_callers) {
      fail(tuttiInvalidUsage, "TUTTI_PROGRESS is \"{}\" for rank {} and \"{}\" for rank {}",
           name_of_progress(mine), bootstrap.rank(), name_of_progress(hello), peers.size());
    }
    peers.push_back({.node = hello.node, .port = hello.port});
    addresses_.push_back(hello.address);
    shares.push_back(hello.share);
  }
  const double sharing = ranks_to_a_core(shares);
  set_waiting(sharing > 1 ? Waiting::kYield : Waiting::kSpin);
  costs_ = message::MessageCosts(kTcpCosts, sharing);
  if (crowded()) node.poller().set_crowded();
  endpoint->meet(std::move(peers), addresses_, bootstrap.key());
  TUTTI_INFO(kNet, "{} ranks by TCP: {}", bootstrap.ranks(),
             crowded() ? "waiting gives the core away" : "waiting spins first");
}

std::vector<Rank> TcpTransport::first_peers() const {
  std::vector<Rank> peers = MessageTransport::first_peers();
  const auto self = static_cast<std::size_t>(rank());
  if (!is_first_of_host(addresses_, self)) return peers;
  for (std::size_t next = self + 1; next < addresses_.size(); ++next) {
    if (!is_first_of_host(addresses_, next)) continue;
    peers.push_back(static_cast<Rank>(next));
    TUTTI_INFO(kNet, "rank {} at {} is reached from {}: the next host", next,
               to_string(addresses_[next]), to_string(addresses_[self]));
    break;
  }
  return peers;
}

}  // namespace tutti::tcp
