// What the command line means, and what a rank finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "launched.hpp"

namespace tutti {
namespace {

using test::Launched;
using test::lines_of;

void expect_refused(std::vector<std::string> arguments, int code, const std::string& words) {
  Launched run(std::move(arguments));
  EXPECT_EQ(run.exit_code(), code);
  EXPECT_NE(run.errors().find(words), std::string::npos) << run.errors();
  EXPECT_EQ(run.output(), "");
}

TEST(LauncherOptions, WrongOnesAreExplainedWithCode2) {
  expect_refused({}, 2, "--ranks is required");
  expect_refused({"true"}, 2, "--ranks is required");
  expect_refused({"-n", "0", "true"}, 2, "0 not in range 1 to");
  expect_refused({"-n", "-3", "true"}, 2, "-3 not in range 1 to");
  expect_refused({"-n", "two", "true"}, 2, "two");
  expect_refused({"-n"}, 2, "--ranks: 1 required");
  expect_refused({"-n", "2"}, 2, "which program?");
  expect_refused({"-n", "2", "--"}, 2, "which program?");
  expect_refused({"-n", "2", "--bogus", "true"}, 2, "--bogus");
  expect_refused({"-n", "2", "--grace", "-1", "true"}, 2, "--grace");
  expect_refused({"-n", "2", "--bind", "socket", "true"}, 2, "--bind");
}

TEST(LauncherOptions, HelpIsNoError) {
  Launched run({"--help"});
  EXPECT_EQ(run.exit_code(), 0);
  EXPECT_NE(run.output().find("--prefix"), std::string::npos);
}

TEST(LauncherOptions, AProgramThatIsNotThereIs127) {
  expect_refused({"-n", "3", "/nowhere/at-all"}, 127,
                 "cannot run '/nowhere/at-all': No such file or directory");
  expect_refused({"-n", "3", "--", "no-such-program-in-path"}, 127, "no-such-program-in-path");
}

TEST(LauncherOptions, AProgramThatIsNoProgramIs126) {
  expect_refused({"-n", "2", "/etc/passwd"}, 126, "cannot run '/etc/passwd': Permission denied");
}

TEST(LauncherOptions, TheProgramsOptionsAreItsOwn) {
  for (const bool dashes : {false, true}) {
    std::vector<std::string> arguments{"-n", "1", "/bin/echo", "-n", "--prefix", "--", "-x"};
    if (dashes) arguments.insert(arguments.begin() + 2, "--");
    Launched run(arguments);
    EXPECT_EQ(run.exit_code(), 0);
    EXPECT_EQ(run.output(), "--prefix -- -x");
  }
}

TEST(LauncherOptions, EachRankFindsItsEnvironment) {
  Launched run({"--ranks=3", "/bin/sh", "-c",
                "echo $TUTTI_RANK $TUTTI_WORLD_SIZE $TUTTI_LOCAL_RANK ${#TUTTI_UNIQUE_ID}"});
  EXPECT_EQ(run.exit_code(), 0);
  auto lines = lines_of(run.output());
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (std::vector<std::string>{"0 3 0 256", "1 3 1 256", "2 3 2 256"}));
}

TEST(LauncherOptions, AnOuterWorldIsReplaced) {
  Launched run({"-n", "1", TUTTI_RUN, "-n", "1", "/bin/sh", "-c", "env | grep -c ^TUTTI_RANK="});
  EXPECT_EQ(run.exit_code(), 0);
  EXPECT_EQ(run.output(), "1\n");
}

TEST(LauncherOptions, OnlyRank0ReadsStandardInput) {
  Launched run({"-n", "3", "--prefix", "/bin/sh", "-c", "cat; echo end"}, "hello\n");
  EXPECT_EQ(run.exit_code(), 0);
  auto lines = lines_of(run.output());
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (std::vector<std::string>{"[0] end", "[0] hello", "[1] end", "[2] end"}));
}

TEST(LauncherOptions, RanksKeepTheUsersDescriptorLimitAndGetNoStrayDescriptors) {
  const std::string command = "ulimit -n; ls /proc/self/fd | wc -l";
  std::string expected;
  const std::unique_ptr<FILE, int (*)(FILE*)> shell(::popen(command.c_str(), "re"), ::pclose);
  for (int c = 0; (c = std::fgetc(shell.get())) != EOF;) expected += static_cast<char>(c);
  for (const int ranks : {1, 400}) {  // for 400 with --prefix the launcher may raise its own limit
    Launched run({"-n", std::to_string(ranks), "--prefix", "/bin/sh", "-c",
                  "[ $TUTTI_RANK != 0 ] || { " + command + "; }"});
    ASSERT_EQ(run.exit_code(), 0) << run.errors();
    std::string printed;
    for (const auto& line : lines_of(run.output())) printed += line.substr(4) + "\n";
    EXPECT_EQ(printed, expected);
  }
}

}  // namespace
}  // namespace tutti
