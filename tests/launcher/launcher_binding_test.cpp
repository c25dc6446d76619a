// Where ranks run: on machines that hwloc makes up from a description, and on this one.
#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "launched.hpp"
#include "tests/unit/base/scoped_variable.hpp"
#include "tools/tutti-run/binding.hpp"
#include "topology/processors.hpp"

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

// "Cpus_allowed_list:\t0-1" of each rank.
constexpr const char* kWhere = "grep Cpus_allowed_list /proc/self/status";

ProcessorSet told_by(const std::string& line) {
  return parse_processors(line.substr(line.find('\t') + 1)).value_or(ProcessorSet());
}

TEST(LauncherBinding, ARankRunsWhereItIsBound) {
  Launched one({"-n", "1", "--bind", "core", "/bin/sh", "-c", kWhere});
  ASSERT_EQ(one.exit_code(), 0) << one.errors();
  const std::string core = list_of(bind_ranks(Binding::kCore, 1)[0]);
  EXPECT_EQ(told_by(lines_of(one.output()).at(0)), parse_processors(core)) << one.output();
}

TEST(LauncherBinding, RanksOfCoresShareNone) {
  try {
    bind_ranks(Binding::kCore, 2);
  } catch (const Error& error) {
    ASSERT_EQ(error.code(), tuttiInvalidArgument) << error.what();
    GTEST_SKIP() << "two ranks with a core each need two cores: " << error.what();
  }
  Launched two({"-n", "2", "--bind=core", "/bin/sh", "-c", kWhere});
  ASSERT_EQ(two.exit_code(), 0) << two.errors();
  const auto lines = lines_of(two.output());
  ASSERT_EQ(lines.size(), 2U) << two.output();
  EXPECT_TRUE(told_by(lines[0]).any() && told_by(lines[1]).any()) << two.output();
  EXPECT_TRUE((told_by(lines[0]) & told_by(lines[1])).none()) << two.output();
}

TEST(LauncherBinding, MoreRanksThanCoresAreExplained) {
  Launched run({"-n", "2000", "--bind", "core", "/bin/true"});
  EXPECT_EQ(run.exit_code(), 2);
  EXPECT_NE(run.errors().find("2000 ranks need a core each"), std::string::npos) << run.errors();
}

}  // namespace
}  // namespace tutti
