// --prefix.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "launched.hpp"

namespace tutti {
namespace {

using test::Launched;
using test::lines_of;

TEST(LauncherOutput, PassesThroughWithoutPrefix) {
  Launched run({"-n", "1", "/bin/sh", "-c", "printf 'a\\nb'; printf 'c\\n' >&2"});
  EXPECT_EQ(run.exit_code(), 0);
  EXPECT_EQ(run.output(), "a\nb");
  EXPECT_EQ(run.errors(), "c\n");
}

TEST(LauncherOutput, PrefixesBothStreamsAndKeepsThemApart) {
  Launched run({"-n", "1", "--prefix", "/bin/sh", "-c", "printf 'a\\n\\nb'; printf 'c\\nd' >&2"});
  EXPECT_EQ(run.exit_code(), 0);
  EXPECT_EQ(run.output(), "[0] a\n[0] \n[0] b\n");
  EXPECT_EQ(run.errors(), "[0] c\n[0] d\n");
}

TEST(LauncherOutput, LinesStayWholeAndInOrder) {
  constexpr int kRanks = 4, kLines = 500;
  // Each line in two writes, so that the parts of different ranks meet at the launcher.
  Launched run({"-n", std::to_string(kRanks), "--prefix", "/bin/sh", "-c",
                "i=0; while [ $i -lt 500 ]; do printf 'from %d ' $TUTTI_RANK; echo line $i; "
                "i=$((i+1)); done"});
  EXPECT_EQ(run.exit_code(), 0);
  const auto lines = lines_of(run.output());
  ASSERT_EQ(lines.size(), std::size_t{kRanks * kLines});
  std::map<char, int> next;
  for (const auto& line : lines) {
    ASSERT_GT(line.size(), 4U);
    const char rank = line[1];
    const std::string expected =
        std::string("[") + rank + "] from " + rank + " line " + std::to_string(next[rank]++);
    ASSERT_EQ(line, expected);
  }
}

TEST(LauncherOutput, LongLinesAndMuchOutputArriveWhole) {
  constexpr std::size_t kBytes = 300'000;
  Launched run(
      {"-n", "2", "--prefix", "/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo"});
  EXPECT_EQ(run.exit_code(), 0);
  const auto lines = lines_of(run.output());
  ASSERT_EQ(lines.size(), 2U);
  for (const auto& line : lines) {
    EXPECT_EQ(line.size(), kBytes + 4);
    EXPECT_EQ(std::count(line.begin(), line.end(), 'x'), static_cast<std::ptrdiff_t>(kBytes));
  }
}

TEST(LauncherOutput, PrefixWithTooFewDescriptorsSaysSo) {
  // The limit is set by an outer launcher's shell, so that this test's own stays.
  Launched run(
      {"-n", "1", "/bin/sh", "-c", "ulimit -n 64; exec " TUTTI_RUN " -n 20 --prefix /bin/true"});
  EXPECT_EQ(run.exit_code(), 125);
  EXPECT_NE(run.errors().find("20 ranks with --prefix need 92 descriptors, the limit is 64"),
            std::string::npos)
      << run.errors();
}

}  // namespace
}  // namespace tutti
