#include "bootstrap/launchers/resolve.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <thread>

#include "base/error.hpp"

namespace tutti {

namespace {

constexpr std::chrono::milliseconds kPauseBetweenQuestions{100};

SocketAddress address_of_socket_name(const sockaddr& name) {
  SocketAddress address;
  if (name.sa_family == AF_INET6) {
    sockaddr_in6 a6;
    std::memcpy(&a6, &name, sizeof(a6));
    address.family = 6;
    address.scope = a6.sin6_scope_id;
    std::memcpy(address.bytes.data(), &a6.sin6_addr, sizeof(a6.sin6_addr));
  } else {
    sockaddr_in a4;
    std::memcpy(&a4, &name, sizeof(a4));
    std::memcpy(address.bytes.data(), &a4.sin_addr, sizeof(a4.sin_addr));
  }
  return address;
}

// getaddrinfo's error, or 0 and the address.
int ask_resolver(const std::string& host, SocketAddress& address) {
  const addrinfo hints{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* raw = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &raw);
  if (error != 0) return error;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(raw, ::freeaddrinfo);
  const addrinfo* best = nullptr;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET || (best == nullptr && each->ai_family == AF_INET6)) best = each;
    if (best != nullptr && best->ai_family == AF_INET) break;
  }
  if (best == nullptr) return EAI_NONAME;
  address = address_of_socket_name(*best->ai_addr);
  return 0;
}

}  // namespace

SocketAddress resolve(const std::string& host, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    SocketAddress address;
    const int error = ask_resolver(host, address);
    if (error == 0) return address;
    if (error == EAI_SYSTEM) fail_system("resolving '{}'", host);
    if (std::chrono::steady_clock::now() >= deadline) {
      fail(tuttiTimeout, "nobody knew the host '{}' before the deadline: {}", host,
           ::gai_strerror(error));
    }
    std::this_thread::sleep_for(kPauseBetweenQuestions);
  }
}

bool is_address(const std::string& host) {
  in6_addr room;
  return ::inet_pton(AF_INET, host.c_str(), &room) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &room) == 1;
}

}  // namespace tutti
