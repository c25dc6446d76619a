#include "bootstrap/launchers/own_addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "base/log_environment.hpp"

namespace tutti {

namespace {

bool has_address(int family, const void* bytes, std::size_t size) {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) fail_system("asking for this host's addresses");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(raw, ::freeifaddrs);
  for (const ifaddrs* each = raw; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != family) continue;
    sockaddr_in a4;
    sockaddr_in6 a6;
    if (family == AF_INET) {
      std::memcpy(&a4, each->ifa_addr, sizeof(a4));
      if (std::memcmp(&a4.sin_addr, bytes, size) == 0) return true;
    } else {
      std::memcpy(&a6, each->ifa_addr, sizeof(a6));
      if (std::memcmp(&a6.sin6_addr, bytes, size) == 0) return true;
    }
  }
  return false;
}

std::string whole_host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0) fail_system("gethostname");
  return name;
}

}  // namespace

bool is_this_host(const std::string& text) {
  in_addr a4;
  in6_addr a6;
  if (::inet_pton(AF_INET, text.c_str(), &a4) == 1) return has_address(AF_INET, &a4, sizeof(a4));
  if (::inet_pton(AF_INET6, text.c_str(), &a6) == 1) return has_address(AF_INET6, &a6, sizeof(a6));
  return text == whole_host_name() || text.substr(0, text.find('.')) == host_name();
}

}  // namespace tutti
