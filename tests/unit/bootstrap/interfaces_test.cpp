#include "bootstrap/interfaces.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <tutti/error.hpp>

#include "bootstrap/listener.hpp"
#include "thread_ranks.hpp"

namespace tutti {
namespace {

using test::error_of;
using test::says;

SocketAddress address(const char* text) {
  SocketAddress made{.family = std::string_view(text).find(':') == std::string_view::npos
                                   ? std::uint16_t{4}
                                   : std::uint16_t{6}};
  EXPECT_EQ(::inet_pton(made.family == 6 ? AF_INET6 : AF_INET, text, made.bytes.data()), 1);
  return made;
}

const std::vector<Interface>& cluster_node() {
  static const std::vector<Interface> all = {
      {"lo", address("127.0.0.1")},       {"lo", address("::1")},
      {"docker0", address("172.17.0.1")}, {"eth0", address("10.1.0.5")},
      {"eth0", address("fe80::1")},       {"eth1", address("fd00::5")},
      {"eth1", address("192.168.7.5")},   {"eth10", address("10.2.0.5")},
  };
  return all;
}

std::string chosen(const InterfaceRule& rule,
                   const std::optional<SocketAddress>& towards = std::nullopt) {
  return to_string(choose_address(cluster_node(), rule, towards).address);
}

TEST(Interfaces, WithoutARuleTheFirstThatOthersMayReach) {
  EXPECT_EQ(chosen({}), "10.1.0.5:0");
  const std::vector<Interface> laptop = {{"lo", address("127.0.0.1")},
                                         {"docker0", address("172.17.0.1")}};
  EXPECT_EQ(to_string(choose_address(laptop, {}).address), "172.17.0.1:0");
  EXPECT_EQ(to_string(choose_address({laptop.front()}, {}).address), "127.0.0.1:0");
}

TEST(Interfaces, TheWayToTheMeetingComesFirst) {
  EXPECT_EQ(chosen({}, address("192.168.7.5")), "192.168.7.5:0");
  EXPECT_EQ(chosen({}, address("8.8.8.8")), "10.1.0.5:0") << "translated on the way";
  EXPECT_EQ(chosen({.names = "eth10"}, address("192.168.7.5")), "10.2.0.5:0");
}

TEST(Interfaces, NamesAreChosenByTheGrammarOfNccl) {
  EXPECT_EQ(chosen({.names = "eth1"}), "192.168.7.5:0") << "a beginning";
  EXPECT_EQ(chosen({.names = "=eth10"}), "10.2.0.5:0") << "exactly";
  EXPECT_EQ(chosen({.names = "eth10,eth0"}), "10.2.0.5:0") << "the first in the list";
  EXPECT_EQ(chosen({.names = "^eth,docker"}), "127.0.0.1:0") << "^ is of the whole list";
  EXPECT_EQ(chosen({.names = "^=eth0"}), "192.168.7.5:0") << "all but exactly this one";
  EXPECT_EQ(chosen({.names = "eth,^eth0,=eth10"}), "192.168.7.5:0");
  EXPECT_EQ(chosen({.names = "lo"}), "127.0.0.1:0");
}

TEST(Interfaces, NetworksAndFamilies) {
  EXPECT_EQ(chosen({.networks = "192.168.0.0/16"}), "192.168.7.5:0");
  EXPECT_EQ(chosen({.networks = "10.2.0.0/15"}), "10.2.0.5:0");
  EXPECT_EQ(chosen({.networks = "fd00::/8"}), "[fd00::5]:0");
  EXPECT_EQ(chosen({.networks = "10.2.0.5"}), "10.2.0.5:0");
  EXPECT_EQ(chosen({.family = 6}), "[fd00::5]:0");
  EXPECT_EQ(chosen({.names = "eth", .networks = "0.0.0.0/0", .family = 4}), "10.1.0.5:0");
}

TEST(Interfaces, WhatFitsNothingIsAnErrorThatNamesIt) {
  const Error error = error_of([] { chosen({.names = "ib", .family = 4}); });
  EXPECT_EQ(error.code(), tuttiInvalidArgument);
  EXPECT_TRUE(says(error, "TUTTI_SOCKET_IFNAME=ib and TUTTI_SOCKET_FAMILY=4")) << error.what();
  EXPECT_TRUE(says(error, "eth1 192.168.7.5")) << error.what();
  for (const char* const bad :
       {"10.0.0.0/33", "10.0.0/8", "fd00::/129", "eth0", "1.2.3.4/", "/8"}) {
    const Error one = error_of([&] { chosen({.networks = bad}); });
    EXPECT_TRUE(says(one, "is no network")) << bad << ": " << one.what();
  }
  EXPECT_TRUE(says(error_of([] { chosen({.names = "eth0,^"}); }), "a mark without a name"));
}

TEST(Interfaces, TheChoiceHasAReason) {
  EXPECT_EQ(choose_address(cluster_node(), {.names = "eth0"}).reason,
            "eth0, by TUTTI_SOCKET_IFNAME=eth0");
  EXPECT_EQ(choose_address(cluster_node(), {}, address("192.168.7.5")).reason,
            "eth1, which leads to the ranks' meeting");
}

TEST(Interfaces, ThisHostHasLoopback) {
  const InterfaceRule rule{.names = "lo"};
  EXPECT_TRUE(is_loopback(choose_address(interfaces(), rule).address));
}

// Ports for a firewall: an environment variable, hence one test for all of it.
TEST(Listener, TakesAFreePortOfTheRange) {
  // One that is free now, so that the range is.
  std::uint16_t port = listen_on_loopback("for a test").address.port;
  const std::string range = std::to_string(port) + "-" + std::to_string(port);
  ASSERT_EQ(::setenv("TUTTI_PORT_RANGE", range.c_str(), 1), 0);
  {
    const Listener first = listen_on_loopback("for a test");
    EXPECT_EQ(first.address.port, port);
    const Error error = error_of([] { listen_on_loopback("for a test"); });
    EXPECT_EQ(error.code(), tuttiSystemError);
    EXPECT_TRUE(says(error, "TUTTI_PORT_RANGE")) << error.what();
    // A port that is asked for has nothing to do with the range.
    EXPECT_TRUE(says(error_of([&] { listen_at(first.address, "for a test"); }), "in use"));
  }
  for (const char* const bad : {"20000", "0-5", "7-6", "1-70000", "a-b", "1-2-3"}) {
    ASSERT_EQ(::setenv("TUTTI_PORT_RANGE", bad, 1), 0);
    const Error error = error_of([] { listen_on_loopback("for a test"); });
    EXPECT_EQ(error.code(), tuttiInvalidArgument) << bad;
  }
  ::unsetenv("TUTTI_PORT_RANGE");
}

}  // namespace
}  // namespace tutti
