#include "transports/network_choice.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "bootstrap/local_group.hpp"
#include "tests/support/thread_world.hpp"
#include "transports/ofi/fabric_search.hpp"
#include "transports/registry.hpp"

namespace tutti {
namespace {

using ofi::ProviderFacts;
using testing::HasSubstr;

// Providers as libfabric's fi_info, and their manual pages, show them.
const ProviderFacts kVerbs{"verbs;ofi_rxm", true, true, true, false};
const ProviderFacts kEfa{"efa", true, true, true, false};
const ProviderFacts kCxi{"cxi", true, true, true, false};
const ProviderFacts kPsm3{"psm3", true, true, true, false};
const ProviderFacts kPsm3OverSockets{"psm3", true, true, true, true};
const ProviderFacts kTcp{"tcp;ofi_rxm", true, true, false, true};
const ProviderFacts kTcpThatTellsItsDevice{"tcp;ofi_rxm", true, true, true, true};
const ProviderFacts kUdp{"udp;ofi_rxd", true, true, false, true};
const ProviderFacts kShm{"shm", false, true, false, false};
const ProviderFacts kMessagesOnly{"usnic", true, false, true, false};

TEST(NetworkChoice, AFabricIsWhatWritesByADeviceOfItsOwn) {
  for (const ProviderFacts& facts : {kVerbs, kEfa, kCxi, kPsm3}) {
    EXPECT_EQ(ofi::why_no_fabric(facts), "") << facts.name;
  }
  EXPECT_THAT(ofi::why_no_fabric(kPsm3OverSockets), HasSubstr("psm3 goes through the kernel's"));
  EXPECT_THAT(ofi::why_no_fabric(kTcp), HasSubstr("tcp;ofi_rxm has no device"));
  EXPECT_THAT(ofi::why_no_fabric(kTcpThatTellsItsDevice), HasSubstr("kernel's sockets"));
  EXPECT_NE(ofi::why_no_fabric(kUdp), "");
  EXPECT_THAT(ofi::why_no_fabric(kShm), HasSubstr("this host only"));
  EXPECT_THAT(ofi::why_no_fabric(kMessagesOnly), HasSubstr("does not write"));
}

TEST(NetworkChoice, DevicesAreWhatTheKernelLists) {
  const std::filesystem::path classes =
      std::filesystem::path(testing::TempDir()) / "tutti-network-choice-classes";
  std::filesystem::remove_all(classes);
  EXPECT_FALSE(ofi::has_fabric_device(classes));
  std::filesystem::create_directories(classes / "infiniband");
  EXPECT_FALSE(ofi::has_fabric_device(classes)) << "the driver is there, and no device";
  std::filesystem::create_directories(classes / "cxi" / "cxi0");
  EXPECT_TRUE(ofi::has_fabric_device(classes));
  std::filesystem::remove_all(classes);
}

// What all ranks of a group decide, by what each has found.
std::vector<NetworkChoice> agreed(const std::vector<FoundFabric>& found) {
  const int ranks = static_cast<int>(found.size());
  LocalGroup group(ranks, std::chrono::seconds(60));
  std::vector<NetworkChoice> choices(found.size());
  test::on_ranks(ranks, [&](int rank) {
    const auto index = static_cast<std::size_t>(rank);
    const auto bootstrap = group.bootstrap(rank);
    choices[index] = agree_on_network(*bootstrap, found[index]);
  });
  return choices;
}

TEST(NetworkChoice, IsTheFabricThatAllHave) {
  for (const NetworkChoice& choice : agreed({{.name = "efa"}, {.name = "efa"}, {.name = "efa"}})) {
    EXPECT_TRUE(choice.fabric);
    EXPECT_EQ(choice.why, "every rank has efa");
  }
}

TEST(NetworkChoice, IsTcpWhereOneLacksItOnEveryRank) {
  const FoundFabric none{.why_not = "this host has no device of a fabric"};
  for (const NetworkChoice& choice : agreed({{.name = "efa"}, none, {.name = "efa"}})) {
    EXPECT_FALSE(choice.fabric);
    EXPECT_EQ(choice.why, "rank 1 has no fabric: this host has no device of a fabric");
  }
  for (const NetworkChoice& choice : agreed({none, none})) {
    EXPECT_FALSE(choice.fabric);
    EXPECT_EQ(choice.why, "no rank has a fabric: this host has no device of a fabric");
  }
}

TEST(NetworkChoice, IsTcpWhereRanksHaveDifferentOnes) {
  for (const NetworkChoice& choice : agreed({{.name = "verbs;ofi_rxm"}, {.name = "efa"}})) {
    EXPECT_FALSE(choice.fabric);
    EXPECT_EQ(choice.why, "rank 0 has verbs;ofi_rxm and rank 1 has efa");
  }
}

bool is_libfabric_loaded() {
  void* const library = ::dlopen("libfabric.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (library != nullptr) ::dlclose(library);
  return library != nullptr;
}

// What ranks open who name no transport.
std::string opened(int ranks) {
  LocalGroup group(ranks, std::chrono::seconds(60));
  std::vector<std::string> names(static_cast<std::size_t>(ranks));
  test::on_ranks(ranks, [&](int rank) {
    const auto bootstrap = group.bootstrap(rank);
    names[static_cast<std::size_t>(rank)] =
        open_transport("", *bootstrap, std::chrono::seconds(60))->name();
    bootstrap->all_gather({}, {});
  });
  return names.front();
}

// It takes a process 200 ms to load.
TEST(NetworkChoice, LoadsNothingWhereAllRanksShareAHost) {
  EXPECT_EQ(opened(3), "shm");
  EXPECT_FALSE(is_libfabric_loaded());
}

TEST(NetworkChoice, LoadsNothingWhereNoDeviceIs) {
  if (ofi::has_fabric_device()) GTEST_SKIP() << "this host has one";
  const test::ScopedVariable apart("TUTTI_RANKS_PER_HOST", "1");
  EXPECT_EQ(opened(2), "tcp");
  EXPECT_FALSE(is_libfabric_loaded());
}

TEST(NetworkChoice, LongReasonsAreCut) {
  const auto choices = agreed({{.why_not = std::string(1000, 'x')}});
  EXPECT_LT(choices.front().why.size(), 200U);
}

}  // namespace
}  // namespace tutti
