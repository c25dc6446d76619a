#include "bootstrap/launchers/own_addresses.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log_environment.hpp"
#include "bootstrap/interfaces.hpp"

namespace tutti {

bool is_own_address(const SocketAddress& address) {
  const auto all = interfaces();
  return std::any_of(all.begin(), all.end(), [&](const Interface& each) {
    return each.address.family == address.family && each.address.bytes == address.bytes;
  });
}

bool is_this_host(const std::string& text) {
  SocketAddress address;
  if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return is_own_address(address);
  address.family = 6;
  if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
    return is_own_address(address);
  }
  char whole[256] = {};
  if (::gethostname(whole, sizeof(whole) - 1) != 0) fail_system("gethostname");
  return text == whole || text.substr(0, text.find('.')) == host_name();
}

}  // namespace tutti
