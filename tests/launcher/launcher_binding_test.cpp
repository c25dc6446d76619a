// Where ranks run: on machines that hwloc makes up from a description, and on this one.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/error.hpp"
#include "launched.hpp"
#include "tests/unit/base/scoped_variable.hpp"
#include "tools/tutti-run/binding.hpp"

namespace tutti {
namespace {

using launcher::bind_ranks;
using launcher::Binding;
using launcher::ProcessorMask;
using test::Launched;
using test::lines_of;

// A mask as the kernel prints it.
std::string list_of(const ProcessorMask& mask) {
  constexpr std::size_t kBits = sizeof(unsigned long) * 8;
  std::string list;
  for (std::size_t cpu = 0; cpu < mask.size() * kBits; ++cpu) {
    if ((mask[cpu / kBits] >> (cpu % kBits) & 1) == 0) continue;
    if (!list.empty()) list += ',';
    list += std::to_string(cpu);
  }
  return list;
}

std::vector<std::string> lists(const char* machine, Binding binding, int ranks) {
  const ScopedVariable made_up("HWLOC_SYNTHETIC", machine);
  std::vector<std::string> lists;
  for (const ProcessorMask& mask : bind_ranks(binding, ranks)) lists.push_back(list_of(mask));
  return lists;
}

using Lists = std::vector<std::string>;
// Two nodes; each two cores; each two hardware threads.
constexpr const char* kTwoNodes = "numa:2 core:2 pu:2";

TEST(LauncherBinding, RanksAreSpreadOverNodesInBlocks) {
  EXPECT_EQ(lists(kTwoNodes, Binding::kNode, 2), (Lists{"0,1,2,3", "4,5,6,7"}));
  EXPECT_EQ(lists(kTwoNodes, Binding::kNode, 5),
            (Lists{"0,1,2,3", "0,1,2,3", "0,1,2,3", "4,5,6,7", "4,5,6,7"}));
  EXPECT_EQ(lists("numa:3 pu:1", Binding::kNode, 2), (Lists{"0", "1,2"}));
  EXPECT_EQ(lists(kTwoNodes, Binding::kNode, 1), (Lists{"0,1,2,3,4,5,6,7"}));
}

TEST(LauncherBinding, NothingIsBoundOnOneNodeOrWithNone) {
  EXPECT_EQ(lists("numa:1 core:4 pu:1", Binding::kNode, 3), (Lists{"", "", ""}));
  EXPECT_EQ(lists(kTwoNodes, Binding::kNone, 2), (Lists{"", ""}));
}

TEST(LauncherBinding, CoresComeWithAllTheirThreadsFarApart) {
  EXPECT_EQ(lists(kTwoNodes, Binding::kCore, 2), (Lists{"0,1", "4,5"}));
  EXPECT_EQ(lists(kTwoNodes, Binding::kCore, 4), (Lists{"0,1", "2,3", "4,5", "6,7"}));
}

TEST(LauncherBinding, TooFewCoresAreAnError) {
  try {
    lists(kTwoNodes, Binding::kCore, 5);
    FAIL() << "five ranks on four cores";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("5 ranks need a core each, 4 can be used"),
              std::string::npos)
        << error.what();
  }
}

const char* const kWhere = "grep Cpus_allowed_list /proc/self/status";

TEST(LauncherBinding, ARankRunsWhereItIsBound) {
  Launched one({"-n", "1", "--bind", "core", "/bin/sh", "-c", kWhere});
  ASSERT_EQ(one.exit_code(), 0) << one.errors();
  const std::string mine = list_of(bind_ranks(Binding::kCore, 1)[0]);
  EXPECT_NE(one.output().find(mine.substr(0, mine.find(','))), std::string::npos)
      << one.output() << " for " << mine;
}

TEST(LauncherBinding, RanksOfCoresShareNone) {
  const std::size_t ranks = 2;
  try {
    bind_ranks(Binding::kCore, ranks);
  } catch (const Error& error) {
    GTEST_SKIP() << "needs two cores: " << error.what();
  }
  Launched two({"-n", "2", "--bind=core", "/bin/sh", "-c", kWhere});
  ASSERT_EQ(two.exit_code(), 0) << two.errors();
  const auto lines = lines_of(two.output());
  EXPECT_EQ(lines.size(), ranks);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), ranks) << two.output();
}

TEST(LauncherBinding, MoreRanksThanCoresAreExplained) {
  Launched run({"-n", "2000", "--bind", "core", "/bin/true"});
  EXPECT_EQ(run.exit_code(), 2);
  EXPECT_NE(run.errors().find("2000 ranks need a core each"), std::string::npos) << run.errors();
}

}  // namespace
}  // namespace tutti
