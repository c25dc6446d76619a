// --hosts, with an ssh that runs everything here: as "ssh HOST COMMAND" it notes how it was called,
// cannot reach hosts whose names begin with "dead", and otherwise gives COMMAND to a shell.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "launched.hpp"

namespace tutti {
namespace {

using test::await_processes;
using test::Launched;
using test::lines_of;
using test::make_mark;
using test::processes_with;

class LauncherHosts : public testing::Test {
 protected:
  LauncherHosts() {
    std::filesystem::create_directories(folder_);
    std::ofstream(ssh_) << "#!/bin/sh\n"
                           "echo \"$@\" >> '"
                        << calls_
                        << "'\n"
                           "case $1 in dead*) echo \"no way to $1\" >&2; exit 255;; esac\n"
                           "sh -c \"$2\"\n";
    std::filesystem::permissions(ssh_, std::filesystem::perms::owner_all);
  }
  ~LauncherHosts() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> with(const std::string& hosts, std::vector<std::string> more) const {
    std::vector<std::string> all{"--hosts", hosts, "--ssh", ssh_, "--meet", "127.0.0.1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string calls() const {
    std::ostringstream text;
    text << std::ifstream(calls_).rdbuf();
    return text.str();
  }
  std::vector<std::string> sorted_lines(const std::string& text) const {
    auto lines = lines_of(text);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  const std::string folder_ = testing::TempDir() + "hosts-" + make_mark();
  const std::string ssh_ = folder_ + "/ssh";
  const std::string calls_ = folder_ + "/calls";
};

TEST_F(LauncherHosts, RanksOfAllHostsMeet) {
  Launched run(with("a:2,b:3", {LAUNCHER_RANK}));
  EXPECT_EQ(run.exit_code(), 0) << run.errors();
  EXPECT_EQ(run.output(), "gathered 5 ranks\n");
  EXPECT_EQ(run.errors(), "");
}

TEST_F(LauncherHosts, RanksAreNumberedHostByHost) {
  const std::vector<std::string> command{
      "/bin/sh", "-c", "echo $TUTTI_RANK $TUTTI_WORLD_SIZE $TUTTI_LOCAL_RANK $TUTTI_BOOTSTRAP"};
  Launched numbered(with("a:1,b:2", command));
  EXPECT_EQ(numbered.exit_code(), 0) << numbered.errors();
  EXPECT_EQ(sorted_lines(numbered.output()),
            (std::vector<std::string>{"0 3 0 tutti", "1 3 0 tutti", "2 3 1 tutti"}));
  auto spread = command;
  spread.insert(spread.begin(), {"-n", "3"});
  Launched blocks(with("a,b", spread));
  EXPECT_EQ(blocks.exit_code(), 0) << blocks.errors();
  EXPECT_EQ(sorted_lines(blocks.output()),
            (std::vector<std::string>{"0 3 0 tutti", "1 3 1 tutti", "2 3 0 tutti"}));
}

TEST_F(LauncherHosts, VariablesAndDirectoryGoAlongButTheIdIsNotOnACommandLine) {
  ::setenv("TUTTI_OF_THIS_TEST", "it's \"here\"", 1);
  ::setenv("OF_THIS_TEST", "exported", 1);
  ::setenv("TUTTI_HOST_ID", "not to be told", 1);
  Launched run(with("a", {"--export", "OF_THIS_TEST,NOT_SET", "/bin/sh", "-c",
                          "echo \"$TUTTI_OF_THIS_TEST\"; pwd; echo $TUTTI_UNIQUE_ID"}));
  ::unsetenv("TUTTI_OF_THIS_TEST");
  ::unsetenv("OF_THIS_TEST");
  ::unsetenv("TUTTI_HOST_ID");
  ASSERT_EQ(run.exit_code(), 0) << run.errors();
  const auto lines = lines_of(run.output());
  ASSERT_EQ(lines.size(), 3U) << run.output();
  EXPECT_EQ(lines[0], "it's \"here\"");
  EXPECT_EQ(lines[1], std::filesystem::current_path());
  EXPECT_EQ(lines[2].size(), 256U);
  EXPECT_EQ(calls(), "a exec '" TUTTI_RUN "' --agent\n");
}

TEST_F(LauncherHosts, PrefixesAreTheRanks) {
  Launched run(with("a:1,b:1", {"--prefix", "/bin/sh", "-c", "echo out; echo err >&2; printf x"}));
  EXPECT_EQ(run.exit_code(), 0) << run.errors();
  EXPECT_EQ(sorted_lines(run.output()),
            (std::vector<std::string>{"[0] out", "[0] x", "[1] out", "[1] x"}));
  EXPECT_EQ(sorted_lines(run.errors()), (std::vector<std::string>{"[0] err", "[1] err"}));
}

TEST_F(LauncherHosts, MuchOutputArrivesWhole) {
  Launched run(with("a:2,b:2", {"--prefix", "/bin/sh", "-c",
                                "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done"}));
  EXPECT_EQ(run.exit_code(), 0) << run.errors();
  const auto lines = lines_of(run.output());
  EXPECT_EQ(lines.size(), 8000U);
  for (const auto& line : lines) {
    ASSERT_EQ(line.substr(3, 6), " line ") << line;
  }
}

TEST_F(LauncherHosts, AFailingRankIsNamedWithItsHostAndEndsTheOthers) {
  const std::string mark = make_mark();
  Launched run(with("a:2,b:2", {"--grace", "0.2", "/bin/sh", "-c",
                                "[ $TUTTI_RANK = 3 ] && exit 7; sleep 1000; : " + mark}));
  EXPECT_EQ(run.exit_code(), 7);
  EXPECT_EQ(run.errors(), "tutti-run: rank 3 exited with code 7 on host b\n");
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST_F(LauncherHosts, OtherHostsHearOfARankThatEndedBeforeItJoined) {
  Launched run(with("a:1,b:1", {"--prefix", LAUNCHER_RANK, "stay", "1"}));
  EXPECT_EQ(run.exit_code(), 9);
  EXPECT_NE(run.output().find("[0] error 6 rank 1 exited with code 9 on host b"), std::string::npos)
      << run.output();
}

TEST_F(LauncherHosts, AHostThatCannotBeReachedIsNamed) {
  const std::string mark = make_mark();
  Launched run(with("a,dead-b", {"--grace", "0.2", "/bin/sh", "-c", "sleep 1000; : " + mark}));
  EXPECT_EQ(run.exit_code(), 125);
  EXPECT_NE(run.errors().find("no way to dead-b"), std::string::npos) << run.errors();
  EXPECT_NE(run.errors().find("tutti-run: host dead-b: '" + ssh_ + "' ended with code 255"),
            std::string::npos)
      << run.errors();
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST_F(LauncherHosts, AProgramThatIsNotThereIs127WithTheHost) {
  Launched run(with("a,b", {"/nowhere/at-all"}));
  EXPECT_EQ(run.exit_code(), 127);
  EXPECT_NE(run.errors().find("cannot run '/nowhere/at-all': No such file or directory"),
            std::string::npos)
      << run.errors();
  EXPECT_NE(run.errors().find("tutti-run: host "), std::string::npos) << run.errors();
}

TEST_F(LauncherHosts, ALostConnectionEndsTheRun) {
  const std::string mark = make_mark();
  Launched run(with("a,b", {"--grace", "0.5", "/bin/sh", "-c", "sleep 1000; : " + mark}));
  ASSERT_TRUE(await_processes(mark, 2 + 2));  // ranks, guard and supervisor
  const auto ways = processes_with(ssh_ + std::string(1, '\0') + "b" + std::string(1, '\0'));
  ASSERT_EQ(ways.size(), 1U);
  ::kill(ways[0], SIGKILL);
  EXPECT_EQ(run.exit_code(), 125);
  EXPECT_NE(run.errors().find("host b: '" + ssh_ + "' was killed by signal 9"), std::string::npos)
      << run.errors();
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST_F(LauncherHosts, AKilledLauncherLeavesNothing) {
  const std::string mark = make_mark();
  Launched run(with("a:2,b", {"/bin/sh", "-c", "sleep 1000; : " + mark}));
  ASSERT_TRUE(await_processes(mark, 3 + 2));
  ::kill(run.pid(), SIGKILL);
  EXPECT_EQ(run.exit_code(), 128 + SIGKILL);
  EXPECT_TRUE(await_processes(mark, 0));
}

class LauncherHostsForward : public LauncherHosts, public testing::WithParamInterface<int> {};

TEST_P(LauncherHostsForward, SignalsToEveryRank) {
  const std::string ready = folder_ + "/ready-";
  Launched run(
      with("a:2,b:1", {"/bin/sh", "-c",
                       "trap 'echo got; exit 0' HUP INT TERM USR1 USR2; sleep 1000 & : > " + ready +
                           "$TUTTI_RANK; while true; do wait; done"}));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (const char* rank : {"0", "1", "2"}) {
    while (!std::filesystem::exists(ready + rank) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  ::kill(run.pid(), GetParam());
  EXPECT_EQ(run.exit_code(), 0) << run.errors();
  EXPECT_EQ(run.output(), "got\ngot\ngot\n");
}

INSTANTIATE_TEST_SUITE_P(Signals, LauncherHostsForward,
                         testing::Values(SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2),
                         [](const auto& param) {
                           return std::string(::sigabbrev_np(param.param));
                         });

TEST_F(LauncherHosts, WrongListsAreExplained) {
  for (const auto& [arguments, words] :
       {std::pair(with("a,,b", {"true"}), "'' is no name of a host"),
        std::pair(with("a:0", {"true"}), "'a:0': expected a number of ranks"),
        std::pair(with("a:x", {"true"}), "'a:x': expected a number of ranks"),
        std::pair(with("-oProxyCommand=x", {"true"}), "is no name of a host"),
        std::pair(with("a:2,b", {"-n", "4", "true"}), "the hosts take 3 ranks, not 4"),
        std::pair(with("a,b,c", {"-n", "2", "true"}), "3 hosts for 2 ranks"),
        std::pair(std::vector<std::string>{"--hosts", "a", "--meet", "somewhere", "true"},
                  "--meet somewhere: expected an address")}) {
    Launched run(arguments);
    EXPECT_EQ(run.exit_code(), 2);
    EXPECT_NE(run.errors().find(words), std::string::npos) << run.errors();
  }
}

TEST_F(LauncherHosts, AnAgentWithoutAJobSaysSo) {
  for (const auto& [input, words] :
       {std::pair("", "standard input ends before the job does"),
        std::pair("tutti-run job 5\nab", "standard input ends before the job does"),
        std::pair("tutti-run job 99999999999\n", "is no job"),
        std::pair("GET / HTTP/1.1\r\n\r\n and more of it\n", "is no job"),
        std::pair("tutti-run job 3\nabc", "is no job")}) {
    Launched run({"--agent"}, input);
    EXPECT_EQ(run.exit_code(), 125);
    EXPECT_NE(run.errors().find(words), std::string::npos) << run.errors();
  }
}

}  // namespace
}  // namespace tutti
