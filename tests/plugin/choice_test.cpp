// Which plugin a process uses, and when.
#include <gtest/gtest.h>

#include <string>

#include "bootstrap/local_group.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/thread_world.hpp"
#include "transports/plugin/plugin_library.hpp"
#include "transports/registry.hpp"

namespace tutti::test {

namespace {

constexpr const char* kVariable = "TUTTI_TRANSPORT_PLUGIN";

std::string complaint_about(const std::string& plugin) {
  return complaint_of([&] { plugin::load_plugin(plugin); });
}

bool says(const std::string& sentence, const std::string& words) {
  return sentence.find(words) != std::string::npos;
}

// What four ranks call the transport that they open.
std::string name_of(const std::string& transport, const char* ranks_per_host) {
  constexpr int kRanks = 4;
  const ScopedVariable hosts("TUTTI_RANKS_PER_HOST", ranks_per_host);
  LocalGroup group(kRanks, std::chrono::seconds(60));
  std::string names[kRanks];
  on_ranks(kRanks, [&](int rank) {
    try {
      const auto bootstrap = group.bootstrap(rank);
      const auto opened = open_transport(transport, *bootstrap, std::chrono::seconds(30));
      names[rank] = opened->name();
      static_cast<void>(all_gather_value(*bootstrap, rank));  // all have opened it
    } catch (const std::exception& error) {
      names[rank] = error.what();
    }
  });
  for (const std::string& name : names) EXPECT_EQ(name, names[0]);
  return names[0];
}

}  // namespace

TEST(PluginLibrary, ThatIsNoneSaysWhatIsWrongWithIt) {
  EXPECT_TRUE(
      says(complaint_about("/nowhere/libnone.so"), "\"/nowhere/libnone.so\": it cannot be"));
  EXPECT_TRUE(says(complaint_about("libm.so.6"), "has no function tuttiTransportPlugin"));
  const std::string plugins = PLUGINS "/libplugin_";
  EXPECT_TRUE(says(complaint_about(plugins + "no_table.so"), "it cannot be used here"));
  EXPECT_TRUE(says(complaint_about(plugins + "wrong_version.so"), "version 7 to 9, and"));
  EXPECT_TRUE(says(complaint_about(plugins + "forgets.so"), "no function send"));
  EXPECT_TRUE(says(complaint_about(plugins + "unknown_bits.so"), "0x100000"));
}

TEST(PluginLibrary, IsLoadedOnce) {
  const plugin::Plugin& first = plugin::load_plugin(UNIX_PLUGIN);
  EXPECT_STREQ(first.table->name, "unix");
  EXPECT_EQ(&plugin::load_plugin(UNIX_PLUGIN), &first);
}

TEST(PluginChoice, WithoutAPluginSaysWhichVariableIsMissing) {
  for (const char* transport : {"plugin", "shm+plugin"}) {
    EXPECT_TRUE(says(complaint_of([&] { check_transport(transport); }), kVariable));
  }
}

TEST(PluginChoice, OfABadOneIsHeardBeforeRanksMeet) {
  const ScopedVariable variable(kVariable, "/nowhere/libnone.so");
  EXPECT_TRUE(says(complaint_of([] { check_transport("plugin"); }), "libnone.so"));
  EXPECT_TRUE(says(complaint_of([] { check_transport(""); }), "libnone.so"));
  check_transport("tcp");
  check_transport("shm");
}

TEST(PluginChoice, ConnectsHostsUnlessSomethingElseIsNamed) {
  const ScopedVariable variable(kVariable, UNIX_PLUGIN);
  EXPECT_EQ(name_of("", "4"), "shm");
  EXPECT_EQ(name_of("", "2"), "shm+unix");
  EXPECT_EQ(name_of("", "1"), "unix");
  EXPECT_EQ(name_of("plugin", "4"), "unix");
  EXPECT_EQ(name_of("shm+plugin", "2"), "shm+unix");
  EXPECT_EQ(name_of("shm+tcp", "2"), "shm+tcp");
}

TEST(PluginChoice, IsOneOnWhichRanksMustAgree) {
  const std::string without = agreed_transport("");
  const ScopedVariable variable(kVariable, UNIX_PLUGIN);
  EXPECT_NE(agreed_transport(""), without);
  EXPECT_EQ(agreed_transport("tcp"), "tcp");
}

TEST(PluginChoice, IsOneForAProcess) {
  {
    const ScopedVariable variable(kVariable, UNIX_PLUGIN);
    check_transport("plugin");
  }
  const ScopedVariable variable(kVariable, PLUGINS "/libplugin_demanding.so");
  try {
    check_transport("plugin");
    ADD_FAILURE() << "two plugins in a process";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiInvalidUsage);
    EXPECT_TRUE(says(error.what(), "libunix_plugin.so")) << error.what();
  }
}

}  // namespace tutti::test
