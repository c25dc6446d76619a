#include "hosts.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "bootstrap/interfaces.hpp"
#include "bootstrap/launchers/resolve.hpp"

namespace tutti::launcher {

namespace {

constexpr int kMostSlots = 65536;

// The host of one entry; 0 ranks where it says no number.
Host parse_host(std::string_view entry) {
  Host host;
  const auto bracket = entry.starts_with('[') ? entry.find(']') : std::string_view::npos;
  auto colon = entry.find(':', bracket == std::string_view::npos ? 0 : bracket);
  host.name =
      bracket == std::string_view::npos ? entry.substr(0, colon) : entry.substr(1, bracket - 1);
  // A name such as "-oProxyCommand=..." would be an option of ssh.
  if (host.name.empty() || host.name[0] == '-') {
    throw std::invalid_argument(fmt::format("'{}' is no name of a host", entry));
  }
  if (colon == std::string_view::npos) return host;
  const std::string_view digits = entry.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), host.ranks);
  if (error != std::errc{} || end != digits.data() + digits.size() || host.ranks < 1 ||
      host.ranks > kMostSlots) {
    throw std::invalid_argument(fmt::format(
        "'{}': expected a number of ranks, 1 to {}, behind the colon", entry, kMostSlots));
  }
  return host;
}

void count_ranks(std::vector<Host>& hosts, int ranks) {
  const bool numbered =
      std::any_of(hosts.begin(), hosts.end(), [](const Host& host) { return host.ranks != 0; });
  const int count = static_cast<int>(hosts.size());
  if (!numbered && ranks != 0 && ranks < count) {
    throw std::invalid_argument(fmt::format("{} hosts for {} ranks", count, ranks));
  }
  Rank next = 0;
  for (int i = 0; i < count; ++i) {
    Host& host = hosts[static_cast<std::size_t>(i)];
    if (!numbered && ranks != 0) host.ranks = ranks / count + (i < ranks % count ? 1 : 0);
    if (host.ranks == 0) host.ranks = 1;
    host.first_rank = next;
    next += host.ranks;
  }
  if (next > kMostSlots) {
    throw std::invalid_argument(fmt::format("{} ranks, at most {}", next, kMostSlots));
  }
  if (ranks != 0 && next != ranks) {
    throw std::invalid_argument(fmt::format("the hosts take {} ranks, not {}", next, ranks));
  }
}

// This end of the way to `host`; nullopt where there is none, or nobody but ssh knows the name.
std::optional<SocketAddress> own_end_of_way(const std::string& name) {
  try {
    SocketAddress there =
        resolve(name.substr(name.find('@') + 1), std::chrono::steady_clock::now());
    there.port = 9;  // no packet is sent
    const Descriptor socket(
        ::socket(there.family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address;
    const socklen_t size = to_system(there, address);
    if (!socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
      return std::nullopt;
    }
    SocketAddress own = local_end_of(socket.get());
    own.port = 0;
    return own;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::vector<Host> parse_hosts(std::string_view text, int ranks) {
  std::vector<Host> hosts;
  while (true) {
    const auto comma = text.find(',');
    hosts.push_back(parse_host(text.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  count_ranks(hosts, ranks);
  return hosts;
}

SocketAddress meeting_address(const std::vector<Host>& hosts, const std::string& given) {
  if (!given.empty()) {
    if (!is_address(given)) {
      fail(tuttiInvalidArgument, "--meet {}: expected an address of this machine", given);
    }
    return resolve(given, std::chrono::steady_clock::now());
  }
  const InterfaceRule rule = InterfaceRule::from_environment();
  if (rule.is_set()) return choose_address(interfaces(), rule).address;
  std::optional<SocketAddress> loopback;
  bool others = false;
  for (const Host& host : hosts) {
    const auto own = own_end_of_way(host.name);
    if (own && !is_loopback(*own)) return *own;
    if (own) loopback = own;
    others = others || !own;
  }
  if (loopback && !others) return *loopback;
  return choose_address(interfaces(), rule).address;
}

}  // namespace tutti::launcher
