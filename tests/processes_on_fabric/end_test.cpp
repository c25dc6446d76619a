// How a simulated run of processes ends when something is wrong: by name, and with nobody left.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "tests/launcher/launched.hpp"

namespace tutti::test {

namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

AssertionResult says(const Launched& launched, const std::string& words) {
  if (launched.errors().find(words) != std::string::npos) return AssertionSuccess();
  return AssertionFailure() << "not '" << words << "' in:\n" << launched.errors();
}

std::vector<std::string> on_fabric(int ranks, std::vector<std::string> rest) {
  std::vector<std::string> arguments{"--fabric", "cloudmatrix384", "-n", std::to_string(ranks)};
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  return arguments;
}

}  // namespace

TEST(FabricEnd, ARankThatIsKilledHasDiedForTheOthers) {
  const std::string mark = make_mark();
  Launched launched(on_fabric(4, {FABRIC_PROGRAM, "die", "2", mark}));
  EXPECT_EQ(launched.exit_code(), 128 + SIGKILL) << launched.errors();
  for (const char* survivor : {"rank 0: ", "rank 1: ", "rank 3: "}) {
    EXPECT_TRUE(says(launched, survivor));
  }
  EXPECT_TRUE(says(launched, "rank 2 of \"world\" died"));
  EXPECT_TRUE(says(launched, "rank 2 was killed by signal 9"));
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST(FabricEnd, ARankThatLeavesEarlyIsNamed) {
  const std::string mark = make_mark();
  Launched launched(on_fabric(3, {FABRIC_PROGRAM, "leave", "1", mark}));
  EXPECT_NE(launched.exit_code(), 0) << launched.errors();
  EXPECT_TRUE(says(launched, "rank 1 of \"world\" died"));
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST(FabricEnd, ARankThatIsSilentIsNamed) {
  const std::string mark = make_mark();
  Launched launched(on_fabric(3, {"--silence", "1", FABRIC_PROGRAM, "sleep", "1", mark}));
  EXPECT_EQ(launched.exit_code(), 124) << launched.errors();
  EXPECT_TRUE(says(launched, "rank 1 (process "));
  EXPECT_TRUE(says(launched, "has been silent outside Tutti for 1 s"));
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST(FabricEnd, ADeadlockIsSaidAtOnce) {
  const std::string mark = make_mark();
  Launched launched(on_fabric(3, {FABRIC_PROGRAM, "miss", "1", mark}));
  EXPECT_NE(launched.exit_code(), 0) << launched.errors();
  EXPECT_TRUE(says(launched, "all ranks wait for each other"));
  EXPECT_TRUE(says(launched, "rank 1 since "));
  EXPECT_TRUE(says(launched, "1 Recv for ranks [2]"));
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST(FabricEnd, ARankThatNeverComesIsNamed) {
  Launched launched(on_fabric(
      3, {"sh", "-c", std::string("test $TUTTI_RANK = 1 || exec ") + FABRIC_PROGRAM + " barrier"}));
  EXPECT_NE(launched.exit_code(), 0) << launched.errors();
  EXPECT_TRUE(says(launched, "all ranks wait for each other"));
  EXPECT_TRUE(says(launched, "rank 1 did not follow within 30 s"));
}

// The rank is a grandchild, which tutti-run is not told the end of.
TEST(FabricEnd, AProgramMayBeStartedByAnother) {
  const std::string script = std::string(FABRIC_PROGRAM) + " all_reduce; true";
  Launched launched(on_fabric(3, {"sh", "-c", script}));
  EXPECT_EQ(launched.exit_code(), 0) << launched.errors();
  EXPECT_TRUE(says(launched, "# Hand-offs"));
  Launched killed(on_fabric(3, {"sh", "-c", std::string(FABRIC_PROGRAM) + " die 1; true"}));
  EXPECT_EQ(killed.exit_code(), 0) << killed.errors();
  EXPECT_TRUE(says(killed, "rank 1 of \"world\" died"));
}

TEST(FabricEnd, AThreadOfTheProgramsOwnIsRefused) {
  Launched launched(on_fabric(2, {FABRIC_PROGRAM, "thread"}));
  EXPECT_NE(launched.exit_code(), 0) << launched.errors();
  EXPECT_TRUE(says(launched, "a thread that Tutti did not start"));
}

TEST(FabricEnd, AFaultOfTheFabricEndsTheProcess) {
  const std::string mark = make_mark();
  Launched launched(on_fabric(
      3, {"--set", "fault=rank:at_ns=60000,rank=1", FABRIC_PROGRAM, "barriers", "1000", mark}));
  EXPECT_NE(launched.exit_code(), 0) << launched.errors();
  // At its next call from then on.
  EXPECT_TRUE(says(launched, "rank 1 died at 6"));
  EXPECT_TRUE(says(launched, "by a fault of the fabric"));
  EXPECT_TRUE(says(launched, "rank 1 of \"world\" died"));
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST(FabricEnd, ASignalEndsAll) {
  const std::string mark = make_mark();
  Launched launched(on_fabric(3, {FABRIC_PROGRAM, "sleep", "1", mark}));
  ASSERT_TRUE(await_processes(mark, 5));  // guard, supervisor and three ranks
  ::kill(launched.pid(), SIGINT);
  EXPECT_EQ(launched.exit_code(), 128 + SIGINT) << launched.errors();
  EXPECT_TRUE(await_processes(mark, 0));
}

TEST(FabricEnd, WhatIsWrongIsSaidBeforeAnyRankRuns) {
  const auto refused = [](std::vector<std::string> arguments, const std::string& words) {
    arguments.insert(arguments.end(), {FABRIC_PROGRAM, "barrier"});
    Launched launched(arguments);
    EXPECT_EQ(launched.exit_code(), 2) << launched.errors();
    EXPECT_TRUE(says(launched, words));
  };
  refused({"--fabric", "nowhere", "-n", "2"}, "nowhere");
  refused({"--fabric", "cloudmatrix384", "-n", "4000"}, "768 ranks, not 4000");
  refused({"--fabric", "cloudmatrix384", "--set", "planes=-1", "-n", "2"}, "planes");
  refused({"--fabric", "cloudmatrix384", "--nodes", "3-1", "-n", "2"}, "runs backwards");
  refused({"--fabric", "cloudmatrix384", "--jitter", "101", "-n", "2"}, "--jitter: ");
  refused({"--jitter-seed", "5", "-n", "2"}, "--fabric");
  refused({"--per", "die", "-n", "2"}, "--fabric");
  Launched missing({"--fabric", "ideal", "-n", "2", "/no/such/program"});
  EXPECT_EQ(missing.exit_code(), 127) << missing.errors();
  refused({"--fabric", "ideal", "--check-races", "-n", "2"}, "--check-races: what ranks");
  refused({"--fabric", "ideal", "--check-races", "--timing-only", "-n", "2"}, "excludes --");
}

TEST(FabricEnd, ARunThatCannotBeShownIsAnError) {
  // Nobody runs for a file that cannot be made; and a disk may fill up later.
  Launched nowhere(on_fabric(2, {"--trace", "/no/such/folder/a.json", FABRIC_PROGRAM, "barrier"}));
  EXPECT_EQ(nowhere.exit_code(), 125) << nowhere.errors();
  EXPECT_TRUE(says(nowhere, "/no/such/folder/a.json cannot be made: No such file or directory"));
  EXPECT_FALSE(says(nowhere, "Virtual time"));
  for (const char* const option : {"--trace", "--report"}) {
    Launched full(on_fabric(2, {option, "/dev/full", FABRIC_PROGRAM, "barrier"}));
    EXPECT_EQ(full.exit_code(), 125) << full.errors();
    EXPECT_TRUE(says(full, "/dev/full cannot be written: No space left on device"));
  }
}

TEST(FabricEnd, WhoDoesNotWaitForTheFileEndsIt) {
  // Of a pipe that nobody reads the end never comes.
  const std::string mark = make_mark();
  const std::string path = testing::TempDir() + mark + ".pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Descriptor pipe(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  Launched launched(on_fabric(3, {"--trace", path, FABRIC_PROGRAM, "collectives", mark}));
  int written = 0;
  for (int i = 0; i < 30'000 && written < 32'000; ++i) {
    ASSERT_EQ(::ioctl(pipe.get(), FIONREAD, &written), 0);
    ::usleep(1000);
  }
  ASSERT_GE(written, 32'000);
  ::kill(launched.pid(), SIGINT);
  EXPECT_EQ(launched.exit_code(), 128 + SIGINT) << launched.errors();
  EXPECT_TRUE(says(launched, "ended by signal 2 before the run was written down"));
  EXPECT_TRUE(await_processes(mark, 0));
  std::filesystem::remove(path);
}

TEST(FabricEnd, ARunWhoseRankDiedIsShownUntilThen) {
  const std::string trace = testing::TempDir() + make_mark() + ".json";
  Launched launched(on_fabric(3, {"--trace", trace, "--set", "fault=rank:at_ns=60000,rank=1",
                                  FABRIC_PROGRAM, "barriers", "1000"}));
  EXPECT_NE(launched.exit_code(), 0);
  EXPECT_TRUE(says(launched, "rank 1 died at 6"));
  std::ifstream file(trace);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find("Barrier"), std::string::npos);
  EXPECT_EQ(text.substr(text.find_last_not_of('\n'), 1), "}");
  std::filesystem::remove(trace);
}

}  // namespace tutti::test
