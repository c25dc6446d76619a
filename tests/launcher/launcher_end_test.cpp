// How worlds end: exit codes, signals, stragglers, and that nothing stays behind.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "launched.hpp"

namespace tutti {
namespace {

using test::await_processes;
using test::Launched;
using test::make_mark;
using test::processes_with;

int count_of(const std::string& text, const std::string& words) {
  int count = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

TEST(LauncherEnd, SuccessIsSilent) {
  Launched run({"-n", "8", "/bin/true"});
  EXPECT_EQ(run.exit_code(), 0);
  EXPECT_EQ(run.errors(), "");
}

TEST(LauncherEnd, TheFirstFailingRanksCodeIsReturnedAndNamedOnce) {
  Launched run({"-n", "4", "/bin/sh", "-c",
                "[ $TUTTI_RANK = 2 ] && exit 7; [ $TUTTI_RANK = 1 ] && sleep 0.5 && exit 3; true"});
  EXPECT_EQ(run.exit_code(), 7);
  EXPECT_EQ(run.errors(), "tutti-run: rank 2 exited with code 7\n");
}

TEST(LauncherEnd, AKilledRankIs128AndItsSignal) {
  Launched run({"-n", "3", "/bin/sh", "-c", "[ $TUTTI_RANK = 1 ] && kill -9 $$; true"});
  EXPECT_EQ(run.exit_code(), 128 + SIGKILL);
  EXPECT_EQ(run.errors(), "tutti-run: rank 1 was killed by signal 9 (Killed)\n");
}

TEST(LauncherEnd, AFailingRankEndsTheOthers) {
  const std::string mark = make_mark();
  Launched run({"--grace", "0.2", "-n", "3", "/bin/sh", "-c",
                "[ $TUTTI_RANK = 0 ] && exit 5; sleep 1000; : " + mark});
  EXPECT_EQ(run.exit_code(), 5);
  EXPECT_TRUE(processes_with(mark).empty());
}

TEST(LauncherEnd, StragglersThatIgnoreSigtermAreKilled) {
  Launched run(
      {"--grace", "0.2", "-n", "2", "/bin/sh", "-c",
       "[ $TUTTI_RANK = 0 ] && sleep 0.3 && exit 5; trap '' TERM; while true; do sleep 0.1; "
       "done"});
  EXPECT_EQ(run.exit_code(), 5);
}

TEST(LauncherEnd, GraceLetsTheOthersFinish) {
  Launched run({"--grace", "60", "-n", "2", "/bin/sh", "-c",
                "[ $TUTTI_RANK = 0 ] && exit 5; sleep 0.5; echo finished"});
  EXPECT_EQ(run.exit_code(), 5);
  EXPECT_EQ(run.output(), "finished\n");
}

TEST(LauncherEnd, TimeoutNamesTheRanksThatStillRun) {
  Launched run({"--timeout", "1", "--grace", "1", "-n", "3", "/bin/sh", "-c",
                "[ $TUTTI_RANK = 1 ] || sleep 1000; true"});
  EXPECT_EQ(run.exit_code(), 124);
  EXPECT_EQ(run.errors(), "tutti-run: ranks 0 and 2 still running after 1 s\n");
}

std::ptrdiff_t count_files(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

class LauncherForwards : public testing::TestWithParam<int> {};

TEST_P(LauncherForwards, ItsSignalsToEveryRank) {
  const std::string mark = make_mark();
  const std::filesystem::path ready = testing::TempDir() + mark;
  std::filesystem::create_directory(ready);
  // `wait` lets a trap run at once.
  Launched run({"-n", "3", "/bin/sh", "-c",
                "trap 'echo got; exit 0' HUP INT TERM USR1 USR2; sleep 1000 & : > " +
                    ready.string() + "/$TUTTI_RANK; while true; do wait; done"});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (count_files(ready) < 3 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ::kill(run.pid(), GetParam());
  EXPECT_EQ(run.exit_code(), 0);
  EXPECT_EQ(count_of(run.output(), "got"), 3) << run.output();
  EXPECT_TRUE(processes_with(mark).empty());
  std::filesystem::remove_all(ready);
}

INSTANTIATE_TEST_SUITE_P(Signals, LauncherForwards,
                         testing::Values(SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2),
                         [](const auto& param) {
                           return std::string(::sigabbrev_np(param.param));
                         });

TEST(LauncherEnd, LeavesNoDaemonBehind) {
  const std::string mark = make_mark();
  // A grandchild in a session of its own, whose parent has ended.
  Launched run({"-n", "2", "/bin/sh", "-c",
                "setsid sh -c 'sleep 1000; : " + mark + "' > /dev/null 2>&1 & sleep 0.3"});
  EXPECT_EQ(run.exit_code(), 0);
  EXPECT_TRUE(processes_with(mark).empty());
}

// Rank, its child, and a daemon of it.
std::vector<std::string> family(const std::string& mark) {
  return {"-n", "2", "/bin/sh", "-c",
          "setsid sh -c 'sleep 1000; : " + mark + "' & sh -c 'sleep 1000; : " + mark + "'; true"};
}
constexpr std::size_t kFamily = 2 + 2 * 3;  // with guard and supervisor

TEST(LauncherEnd, AKilledLauncherLeavesNothing) {
  const std::string mark = make_mark();
  Launched run(family(mark));
  ASSERT_TRUE(await_processes(mark, kFamily));
  ::kill(run.pid(), SIGKILL);
  EXPECT_EQ(run.exit_code(), 128 + SIGKILL);
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST(LauncherEnd, AKilledSupervisorLeavesNothing) {
  const std::string mark = make_mark();
  Launched run(family(mark));
  ASSERT_TRUE(await_processes(mark, kFamily));
  pid_t supervisor = 0;  // the guard's only child
  std::ifstream(fmt::format("/proc/{0}/task/{0}/children", run.pid())) >> supervisor;
  ASSERT_GT(supervisor, 0);
  ::kill(supervisor, SIGKILL);
  EXPECT_EQ(run.exit_code(), 128 + SIGKILL);
  EXPECT_NE(run.errors().find("supervising process was killed by signal 9"), std::string::npos);
  EXPECT_TRUE(processes_with(mark).empty());
}

}  // namespace
}  // namespace tutti
