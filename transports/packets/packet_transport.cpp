#include "transports/packets/packet_transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "topology/sharing.hpp"

namespace tutti::packets {

namespace {

// What each rank tells the others before it sends to any.
struct Hello {
  NodeId node;
  std::uint32_t port;
  std::uint32_t address_bytes;
  std::byte address[Fabric::kMostAddressBytes];
  char network[128];  // cut
  pid_t pid;
  HostShare share;
};

Hello hello_of(Node& node, std::uint32_t port) {
  Hello hello{};
  hello.node = node.node_id();
  hello.port = port;
  const std::span<const std::byte> address = node.fabric().address();
  hello.address_bytes = static_cast<std::uint32_t>(address.size());
  std::memcpy(hello.address, address.data(), address.size());
  const std::string& network = node.fabric().capabilities().network;
  std::memcpy(hello.network, network.data(), std::min(network.size(), sizeof(hello.network) - 1));
  hello.pid = ::getpid();
  hello.share = host_share();
  return hello;
}

void check_networks(std::string_view transport, const std::vector<Hello>& hellos) {
  for (std::size_t rank = 1; rank < hellos.size(); ++rank) {
    if (std::strcmp(hellos[rank].network, hellos[0].network) == 0) continue;
    fail_because_of({0, static_cast<int>(rank)}, tuttiMismatch,
                    "transport {}: rank 0 uses {} and rank {} uses {}", transport,
                    hellos[0].network, rank, hellos[rank].network);
  }
}

}  // namespace

PacketTransport::PacketTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node)
    : PacketTransport(bootstrap, timeout, node,
                      std::make_shared<Endpoint>(node, bootstrap.rank(), bootstrap.ranks())) {}

PacketTransport::PacketTransport(Bootstrap& bootstrap, Nanoseconds timeout, Node& node,
                                 const std::shared_ptr<Endpoint>& endpoint)
    : MessageTransport(bootstrap, timeout, node, endpoint), node_(node) {
  const Hello mine = hello_of(node, endpoint->number());
  const std::vector<Hello> hellos = all_gather_value(bootstrap, mine);
  check_networks(name(), hellos);
  std::vector<Endpoint::Peer> peers;
  std::vector<Endpoint::Place> places;
  std::vector<HostShare> shares;
  for (const Hello& hello : hellos) {
    peers.push_back({.node = hello.node, .port = hello.port});
    const bool is_neighbour = hello.share.host == mine.share.host && hello.pid != mine.pid;
    places.push_back(
        {.address = {hello.address, hello.address + std::min<std::size_t>(hello.address_bytes,
                                                                          sizeof(hello.address))},
         .pid = is_neighbour ? hello.pid : 0});
    shares.push_back(hello.share);
  }
  const double sharing = ranks_to_a_core(shares);
  set_waiting(sharing > 1 ? Waiting::kYield : Waiting::kSpin);
  costs_ = message::MessageCosts(kPacketCosts, sharing);
  if (crowded()) node.poller().set_crowded();
  endpoint->meet(std::move(peers), std::move(places), bootstrap.key());
  TUTTI_INFO(kNet, "{} ranks by {}: {}", bootstrap.ranks(), node.fabric().capabilities().network,
             crowded() ? "waiting gives the core away" : "waiting spins first");
}

std::unique_ptr<ControlWindow> PacketTransport::open_control(const ControlSegment& segment,
                                                             std::shared_ptr<std::byte> memory) {
  auto window = MessageTransport::open_control(segment, std::move(memory));
  node_.regions().declare(window->local());
  return window;
}

}  // namespace tutti::packets
