#include "bootstrap/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>
#include <tuple>

#include "base/environment.hpp"
#include "base/error.hpp"

namespace tutti {

namespace {

constexpr const char* kNames = "TUTTI_SOCKET_IFNAME";
constexpr const char* kNetworks = "TUTTI_SOCKET_CIDR";
constexpr const char* kFamily = "TUTTI_SOCKET_FAMILY";

std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (comma != 0) parts.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

// One name of a rule.
struct NamePattern {
  std::string_view name;
  bool exact = false;
  bool excluded = false;

  bool fits(std::string_view interface) const {
    return exact ? interface == name : interface.starts_with(name);
  }
};

std::vector<NamePattern> patterns_of(const std::string& names) {
  std::vector<NamePattern> patterns;
  NamePattern marks;
  for (std::string_view part : parts_of(names)) {
    if (part.starts_with('^') || part.starts_with('=')) marks = {};
    if (part.starts_with('^')) {
      marks.excluded = true;
      part.remove_prefix(1);
    }
    if (part.starts_with('=')) {
      marks.exact = true;
      part.remove_prefix(1);
    }
    if (part.empty()) {
      fail(tuttiInvalidArgument, "{}='{}': a mark without a name of an interface", kNames, names);
    }
    marks.name = part;
    patterns.push_back(marks);
  }
  return patterns;
}

// The place in the list of the first name that fits; nothing: the interface is excluded.
std::optional<std::size_t> place_of(std::string_view interface,
                                    const std::vector<NamePattern>& patterns) {
  bool any_wanted = false;
  std::optional<std::size_t> place;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    any_wanted = any_wanted || !patterns[i].excluded;
    if (!patterns[i].fits(interface)) continue;
    if (patterns[i].excluded) return std::nullopt;
    if (!place) place = i;
  }
  return any_wanted ? place : std::optional<std::size_t>(0);
}

struct Network {
  SocketAddress address;
  unsigned bits = 0;

  bool contains(const SocketAddress& other) const {
    if (other.family != address.family) return false;
    for (unsigned bit = 0; bit < bits; ++bit) {
      const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
      if (((address.bytes[bit / 8] ^ other.bytes[bit / 8]) & mask) != 0) return false;
    }
    return true;
  }
};

std::vector<Network> networks_of(const std::string& networks) {
  std::vector<Network> all;
  for (const std::string_view part : parts_of(networks)) {
    const auto slash = part.find('/');
    const std::string address(part.substr(0, slash));
    Network network;
    network.address.family = address.find(':') != std::string::npos ? 6 : 4;
    const int family = network.address.family == 6 ? AF_INET6 : AF_INET;
    const unsigned most = network.address.family == 6 ? 128 : 32;
    network.bits = most;
    bool good = ::inet_pton(family, address.c_str(), network.address.bytes.data()) == 1;
    if (good && slash != std::string_view::npos) {
      const std::string_view bits = part.substr(slash + 1);
      const auto [end, error] =
          std::from_chars(bits.data(), bits.data() + bits.size(), network.bits);
      good = error == std::errc{} && end == bits.data() + bits.size() && network.bits <= most;
    }
    if (!good) {
      fail(tuttiInvalidArgument, "{}='{}': '{}' is no network; expected 10.0.0.0/8 or fd00::/8",
           kNetworks, networks, part);
    }
    all.push_back(network);
  }
  return all;
}

// Of containers and virtual machines: other hosts do not reach them.
bool is_internal(std::string_view name) {
  constexpr std::array<std::string_view, 6> kBeginnings = {"docker", "virbr", "veth",
                                                           "br-",    "cni",   "flannel"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&](auto beginning) { return name.starts_with(beginning); });
}

std::string list_of(const std::vector<Interface>& there) {
  std::string text;
  for (const Interface& each : there) {
    std::string address = to_string(each.address);
    address.erase(address.rfind(':'));
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", each.name, address);
  }
  return text;
}

std::string reason_of(const InterfaceRule& rule, bool by_way) {
  std::string reason;
  const auto add = [&](const char* variable, std::string_view value) {
    reason += fmt::format("{} {}={}", reason.empty() ? "by" : " and", variable, value);
  };
  if (!rule.names.empty()) add(kNames, rule.names);
  if (!rule.networks.empty()) add(kNetworks, rule.networks);
  if (rule.family != 0) add(kFamily, std::to_string(rule.family));
  if (!reason.empty()) return reason;
  return by_way ? "which leads to the ranks' meeting" : "the first that other hosts may reach";
}

}  // namespace

std::vector<Interface> interfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) fail_system("asking for the network interfaces");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(first, ::freeifaddrs);
  std::vector<Interface> all;
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    const int family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    all.push_back({each->ifa_name, from_system(*each->ifa_addr)});
  }
  return all;
}

InterfaceRule InterfaceRule::from_environment() {
  InterfaceRule rule;
  rule.names = env_string(kNames).value_or("");
  rule.networks = env_string(kNetworks).value_or("");
  rule.family = env_choice<std::uint16_t>(kFamily, 0, {{"4", 4}, {"6", 6}});
  return rule;
}

ChosenAddress choose_address(const std::vector<Interface>& there, const InterfaceRule& rule,
                             const std::optional<SocketAddress>& towards) {
  const std::vector<NamePattern> patterns = patterns_of(rule.names);
  const std::vector<Network> networks = networks_of(rule.networks);
  const auto on_way = [&](const Interface& each) {
    return towards && towards->family == each.address.family &&
           towards->bytes == each.address.bytes;
  };
  // The lower, the better.
  using Rating = std::tuple<std::size_t, bool, bool, bool, bool, bool>;
  const Interface* best = nullptr;
  Rating best_rating;
  for (const Interface& each : there) {
    const auto place = place_of(each.name, patterns);
    const bool in_network =
        networks.empty() || std::any_of(networks.begin(), networks.end(), [&](const Network& one) {
          return one.contains(each.address);
        });
    const bool of_family = rule.family == 0 || rule.family == each.address.family;
    // Its scope means nothing elsewhere.
    const bool of_no_use = each.address.family == 6 && is_link_local(each.address);
    if (!place || !in_network || !of_family || of_no_use) continue;
    const Rating rating(*place, !on_way(each), is_loopback(each.address),
                        is_link_local(each.address), is_internal(each.name),
                        each.address.family == 6);
    if (best != nullptr && rating >= best_rating) continue;
    best = &each;
    best_rating = rating;
  }
  if (best == nullptr && !rule.is_set()) {
    fail(tuttiSystemError, "this host has no network interface that is up");
  }
  if (best == nullptr) {
    fail(tuttiInvalidArgument, "no network interface fits {}; there are: {}",
         reason_of(rule, false).substr(3), list_of(there));
  }
  ChosenAddress chosen{best->address, {}};
  chosen.address.port = 0;
  chosen.reason = fmt::format("{}, {}", best->name, reason_of(rule, on_way(*best)));
  return chosen;
}

}  // namespace tutti
