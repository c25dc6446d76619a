// Ranks that meet at the id which the launcher gave them.
#include <gtest/gtest.h>

#include "launched.hpp"

namespace tutti {
namespace {

using test::Launched;

class LauncherWorld : public testing::TestWithParam<int> {};

TEST_P(LauncherWorld, Meets) {
  Launched run({"-n", std::to_string(GetParam()), LAUNCHER_RANK});
  EXPECT_EQ(run.exit_code(), 0) << run.errors();
  EXPECT_EQ(run.output(), "gathered " + std::to_string(GetParam()) + " ranks\n");
}

INSTANTIATE_TEST_SUITE_P(Ranks, LauncherWorld, testing::Values(1, 2, 7),
                         testing::PrintToStringParamName());

TEST(LauncherMeeting, Gathers384RanksWith1024Descriptors) {
  Launched run(
      {"-n", "1", "/bin/sh", "-c", "ulimit -n 1024; exec " TUTTI_RUN " -n 384 " LAUNCHER_RANK});
  EXPECT_EQ(run.exit_code(), 0) << run.errors();
  EXPECT_EQ(run.output(), "gathered 384 ranks\n");
}

TEST(LauncherMeeting, SurvivorsHearOfADeadRank0) {
  Launched run({"-n", "3", "--prefix", LAUNCHER_RANK, "die", "0"});
  EXPECT_EQ(run.exit_code(), 128 + 9);
  for (const auto* rank : {"[1] error 6 rank 0", "[2] error 6 rank 0"}) {
    EXPECT_NE(run.output().find(rank), std::string::npos) << run.output();
  }
}

TEST(LauncherMeeting, RanksHearOfOneThatEndedBeforeItJoined) {
  Launched run({"-n", "3", "--prefix", LAUNCHER_RANK, "stay", "1"});
  EXPECT_EQ(run.exit_code(), 9);
  for (const auto* rank : {"[0] error 6 rank 1 exited with code 9", "[2] error 6 rank 1 exited"}) {
    EXPECT_NE(run.output().find(rank), std::string::npos) << run.output();
  }
}

}  // namespace
}  // namespace tutti
