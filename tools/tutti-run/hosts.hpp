// --hosts: which ranks run on which host, and where all of them meet.
#pragma once

#include <string>
#include <string_view>
#include <tutti/transport.hpp>
#include <vector>

#include "bootstrap/socket_address.hpp"

namespace tutti::launcher {

struct Host {
  std::string name;  // as ssh takes it
  Rank first_rank = 0;
  int ranks = 0;
};

// "a,b:4,[fe80::1]:2" - names with a number of ranks, 1 where there is none. With `ranks` (not 0)
// and without numbers the ranks are spread evenly, in blocks. std::invalid_argument saying what is
// wrong.
std::vector<Host> parse_hosts(std::string_view text, int ranks);

// An address of this machine that all hosts reach: `given`, if it is not empty; what TUTTI_SOCKET_*
// choose; or this end of the way to the hosts. tuttiInvalidArgument for an address that is none.
SocketAddress meeting_address(const std::vector<Host>& hosts, const std::string& given);

}  // namespace tutti::launcher
