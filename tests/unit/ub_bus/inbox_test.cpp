// What is on its way to a rank comes out by time.
#include "transports/ub/bus/inbox.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>

namespace tutti::ub {
namespace {

TEST(Inbox, GivesByTimeAndAmongEqualsInOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Inbox inbox;
    EXPECT_EQ(inbox.first(), kNever);
    std::multiset<std::pair<std::int64_t, std::uint32_t>> expected;
    std::uint32_t number = 0;
    for (int step = 0; step < 2000; ++step) {
      // Mostly in order, now and then early, in bursts that are taken out again.
      if (expected.empty() || random() % 100 < (step / 300 % 2 == 0 ? 70U : 30U)) {
        const auto ahead = static_cast<std::int64_t>(random() % 8 == 0 ? random() % 400 : 400);
        const std::int64_t when = std::int64_t{step} * 10 + ahead;
        inbox.push(Picoseconds(when), number, number % 2 == 0);
        expected.emplace(when, number++);
      } else {
        ASSERT_EQ(inbox.first().count(), expected.begin()->first);
        const Inbox::Entry entry = inbox.pop();
        ASSERT_EQ(entry.when.count(), expected.begin()->first);
        ASSERT_EQ(entry.parcel, expected.begin()->second);
        ASSERT_EQ(entry.comes_out, entry.parcel % 2 == 0);
        expected.erase(expected.begin());
      }
    }
  }
}

TEST(Inbox, ShowsWhatComesNext) {
  Inbox inbox;
  EXPECT_EQ(inbox.peek(0), nullptr);
  for (std::uint32_t i = 0; i < 3; ++i) inbox.push(Picoseconds(i), i, false);
  EXPECT_EQ(inbox.pop().parcel, 0U);
  ASSERT_NE(inbox.peek(1), nullptr);
  EXPECT_EQ(inbox.peek(1)->parcel, 2U);
  EXPECT_EQ(inbox.peek(2), nullptr);
}

}  // namespace
}  // namespace tutti::ub
