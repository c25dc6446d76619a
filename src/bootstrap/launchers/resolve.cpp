#include "bootstrap/launchers/resolve.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <thread>

#include "base/error.hpp"

namespace tutti {

namespace {

constexpr std::chrono::milliseconds kPauseBetweenQuestions{100};

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
  address = from_system(*best->ai_addr);
  address.port = 0;
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
