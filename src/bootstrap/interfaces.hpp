// Which of this host's addresses other hosts are told: chosen by name, by network, or by what leads
// to the ranks' meeting.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bootstrap/socket_address.hpp"

namespace tutti {

// An address of an interface that is up.
struct Interface {
  std::string name;
  SocketAddress address;
};

// Of this host, as the kernel has them. tuttiSystemError.
std::vector<Interface> interfaces();

// What the user allows. All that is not set allows everything.
struct InterfaceRule {
  // TUTTI_SOCKET_IFNAME, by NCCL's grammar: beginnings of names, separated by commas, the first
  // that fits some interface wins. "=" before a name: exactly this one; "^": not these. Both hold
  // for the names that follow, until another mark: "^docker,lo", "=eth0,eth1", "eth,^docker".
  std::string names;
  // TUTTI_SOCKET_CIDR: networks, separated by commas: "10.0.0.0/8,fd00::/8".
  std::string networks;
  // TUTTI_SOCKET_FAMILY: 4 or 6; 0: IPv4 first.
  std::uint16_t family = 0;

  // tuttiInvalidArgument for a family that there is not.
  static InterfaceRule from_environment();
  bool is_set() const noexcept { return !names.empty() || !networks.empty() || family != 0; }
};

struct ChosenAddress {
  SocketAddress address;  // port 0
  std::string reason;     // "eth0, by TUTTI_SOCKET_IFNAME=eth"
};

// The address that fits the rule best. Where the rule leaves more than one: `towards`, this end of
// the way to the meeting, if it is one of them, then what is not link-local, not loopback, not of
// containers and virtual machines on this host. tuttiInvalidArgument, naming the variable and what
// interfaces there are, when none fits, and for rules that cannot be understood.
ChosenAddress choose_address(const std::vector<Interface>& there, const InterfaceRule& rule,
                             const std::optional<SocketAddress>& towards = std::nullopt);

}  // namespace tutti
