#include "bootstrap/meeting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "bootstrap/meeting_client.hpp"
#include "thread_ranks.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;
using test::kPatience;
using test::run_ranks;

std::byte pattern(int rank, int round, std::size_t index) {
  return static_cast<std::byte>(static_cast<unsigned>(rank) * 31U +
                                static_cast<unsigned>(round) * 7U + static_cast<unsigned>(index));
}

void expect_round(Bootstrap& bootstrap, int round, std::size_t bytes) {
  std::vector<std::byte> mine(bytes);
  std::vector<std::byte> all(bytes * static_cast<std::size_t>(bootstrap.ranks()));
  for (std::size_t i = 0; i < bytes; ++i) mine[i] = pattern(bootstrap.rank(), round, i);
  bootstrap.all_gather(mine, all);
  std::size_t wrong = 0;
  for (int rank = 0; rank < bootstrap.ranks(); ++rank) {
    for (std::size_t i = 0; i < bytes; ++i) {
      wrong += all[static_cast<std::size_t>(rank) * bytes + i] != pattern(rank, round, i);
    }
  }
  EXPECT_EQ(wrong, 0U) << "rank " << bootstrap.rank() << ", round " << round << ", " << bytes
                       << " bytes";
}

class MeetingOfRanks : public testing::TestWithParam<int> {};

TEST_P(MeetingOfRanks, GathersInRankOrderRoundAfterRound) {
  const int ranks = GetParam();
  Meeting meeting;
  const auto errors = run_ranks(ranks, [&](Rank rank) {
    const auto bootstrap = join_meeting(meeting.id(), ranks, rank, kPatience);
    EXPECT_EQ(bootstrap->rank(), rank);
    EXPECT_EQ(bootstrap->ranks(), ranks);
    int round = 0;
    for (const std::size_t bytes : {8U, 0U, 1U, 4096U, 64U, 4097U, 8U}) {
      expect_round(*bootstrap, round++, bytes);
    }
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
}

INSTANTIATE_TEST_SUITE_P(Ranks, MeetingOfRanks, testing::Values(1, 2, 3, 8, 64),
                         testing::PrintToStringParamName());
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // a minute there, on two cores
INSTANTIATE_TEST_SUITE_P(Supernode, MeetingOfRanks, testing::Values(384),
                         testing::PrintToStringParamName());
#endif

TEST(Meeting, CarriesBlobsLargerThanSocketBuffers) {
  constexpr int kRanks = 3;
  Meeting meeting;
  const auto errors = run_ranks(kRanks, [&](Rank rank) {
    const auto bootstrap = join_meeting(meeting.id(), kRanks, rank, kPatience);
    for (int round = 0; round < 4; ++round) expect_round(*bootstrap, round, 1U << 20);
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
}

TEST(Meeting, GathersTypedValues) {
  struct Value {
    std::int64_t a;
    double b;
  };
  Meeting meeting;
  const auto errors = run_ranks(3, [&](Rank rank) {
    const auto bootstrap = join_meeting(meeting.id(), 3, rank, kPatience);
    const auto all = all_gather_value(*bootstrap, Value{std::int64_t{rank} * 10, rank * 0.5});
    ASSERT_EQ(all.size(), 3U);
    for (int r = 0; r < 3; ++r) {
      EXPECT_EQ(all[static_cast<std::size_t>(r)].a, r * 10);
      EXPECT_EQ(all[static_cast<std::size_t>(r)].b, r * 0.5);
    }
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
}

TEST(Meeting, EndsByItselfWhenAllHaveLeft) {
  Meeting meeting;
  const auto errors = run_ranks(3, [&](Rank rank) {
    const auto bootstrap = join_meeting(meeting.id(), 3, rank, kPatience);
    EXPECT_FALSE(meeting.finished());
    expect_round(*bootstrap, 0, 16);
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!meeting.finished() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(meeting.finished());
}

TEST(Meeting, ThatNobodyVisitsStopsCleanly) {
  Meeting meeting;
  EXPECT_FALSE(meeting.finished());
}

TEST(Meeting, SeveralMeetingsDoNotMix) {
  Meeting meetings[4];
  const auto errors = run_ranks(8, [&](Rank thread) {
    const auto bootstrap = join_meeting(meetings[thread / 2].id(), 2, thread % 2, kPatience);
    for (int round = 0; round < 3; ++round) {
      const auto all = all_gather_value(*bootstrap, thread);
      EXPECT_EQ(all[0], thread / 2 * 2);
      EXPECT_EQ(all[1], thread / 2 * 2 + 1);
    }
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
}

}  // namespace
}  // namespace tutti
