// Sleeping and waking: no wake-up is lost, one ring wakes all, words count every rank.
#include <algorithm>
#include <vector>

#include "tests/transport/conformance.hpp"

namespace tutti::test {

TEST_P(TransportConformance, SleepersAreWokenByAPost) {
  run([](TransportRank& rank) {
    // A token goes round; who does not hold it sleeps. The wake-up races with the announcement of
    // the next sleep all the time.
    const int rounds = 4000 / rank.ranks();
    const Rank before = (rank.rank() + rank.ranks() - 1) % rank.ranks();
    const Rank after = (rank.rank() + 1) % rank.ranks();
    for (int i = 1; i <= rounds; ++i) {
      const auto round = static_cast<std::uint64_t>(i);
      if (rank.rank() == 0) rank.post(after, rank.line(0, rank.rank()), round);
      ASSERT_TRUE(rank.sleep_until(rank.own_bell(),
                                   [&] { return rank.shows(rank.line(0, before), round); }))
          << "rank " << rank.rank() << " slept through a post in round " << i;
      if (rank.rank() != 0) rank.post(after, rank.line(0, rank.rank()), round);
    }
    EXPECT_EQ(rank.own_bell().sleepers.load(), 0U);
  });
}

TEST_P(TransportConformance, PostAllWakesEverySleeper) {
  run([](TransportRank& rank) {
    if (!rank.transport().access(0).shared_words) return;
    const LineId result = rank.line(0, 0);
    const Line* lines = rank.control().lines(0);
    ASSERT_NE(lines, nullptr);
    for (int i = 1; i <= 300; ++i) {
      const auto round = static_cast<std::uint64_t>(i);
      const Rank poster = i % rank.ranks();
      if (rank.rank() == poster) {
        // Everybody else has read the round before, and has said so on the poster's segment.
        for (Rank peer = 0; peer < rank.ranks() && i > 1; ++peer) {
          ASSERT_TRUE(rank.await(rank.line(1, peer), round - 1));
        }
        LineContent content;
        fill_pattern(content.payload, poster, round);
        content.stamp = round;
        rank.control().post_all(result, round, content);
      } else {
        ASSERT_TRUE(rank.sleep_until(
            rank.shared_bell(),
            [&] { return lines[result].value.load(std::memory_order_acquire) >= round; }))
            << "rank " << rank.rank() << " slept through round " << i;
      }
      EXPECT_TRUE(has_pattern(lines[result].payload, poster, round));
      EXPECT_EQ(lines[result].stamp, round);
      rank.post((i + 1) % rank.ranks(), rank.line(1, rank.rank()), round);
    }
  });
}

TEST_P(TransportConformance, LinesShowsWhatAThirdRankPosted) {
  run([](TransportRank& rank) {
    if (!rank.transport().access(0).shared_words) return;
    // Each rank posts to itself; all read it there.
    LineContent content;
    fill_pattern(content.payload, rank.rank(), 1);
    rank.post(rank.rank(), rank.line(0, rank.rank()), 1, content);
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      const Line& line = rank.control().lines(peer)[rank.line(0, peer)];
      ASSERT_TRUE(rank.await([&] { return line.value.load(std::memory_order_acquire) == 1; }));
      EXPECT_TRUE(has_pattern(line.payload, peer, 1));
    }
  });
}

TEST_P(TransportConformance, FetchAddCountsEveryRank) {
  constexpr std::size_t kRounds = 500;
  constexpr std::size_t kOffset = TransportRank::kLineBytes - sizeof(Line);
  std::vector<std::vector<std::uint64_t>> seen(static_cast<std::size_t>(ranks()));
  run([&](TransportRank& rank) {
    if (!rank.transport().access(0).shared_words) return;
    auto& mine = seen[static_cast<std::size_t>(rank.rank())];
    for (std::size_t i = 0; i < kRounds; ++i) {
      mine.push_back(rank.control().fetch_add(rank.ranks() - 1, kOffset, 1));
    }
    rank.meet();
    EXPECT_EQ(rank.control().fetch_add(rank.ranks() - 1, kOffset, 0),
              kRounds * static_cast<std::size_t>(rank.ranks()));
  });
  std::vector<std::uint64_t> all;
  for (const auto& mine : seen) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i);
}

TEST_P(TransportConformance, WhoArrivesLastSeesWhatAllWrote) {
  run([](TransportRank& rank) {
    if (!rank.transport().access(0).shared_words) return;
    constexpr std::size_t kCounter = TransportRank::kLineBytes - sizeof(Line);
    const auto count = static_cast<std::uint64_t>(rank.ranks());
    for (std::uint64_t round = 1; round <= 200 && !HasFailure(); ++round) {
      LineContent content;
      fill_pattern(content.payload, rank.rank(), round);
      rank.post(rank.rank(), rank.line(0, rank.rank()), round, content);
      if (rank.control().fetch_add(0, kCounter, 1) + 1 == round * count) {
        for (Rank peer = 0; peer < rank.ranks(); ++peer) {
          const Line& line = rank.control().lines(peer)[rank.line(0, peer)];
          EXPECT_EQ(line.value.load(std::memory_order_acquire), round);
          EXPECT_TRUE(has_pattern(line.payload, peer, round));
        }
        rank.control().post_all(rank.line(1, 0), round, content);
      }
      ASSERT_TRUE(rank.await([&] {
        return rank.control().lines(0)[rank.line(1, 0)].value.load(std::memory_order_acquire) >=
               round;
      }));
    }
  });
}

}  // namespace tutti::test
