// Failures and departures reach every rank, and ranks agree about how they reach each other.
#include <vector>

#include "tests/support/scale.hpp"
#include "tests/transport/conformance.hpp"

namespace tutti::test {

TEST_P(TransportConformance, AbortReachesEveryRankAndTheFirstErrorWins) {
  run([](TransportRank& rank) {
    EXPECT_FALSE(rank.transport().failure().has_value());
    rank.meet();
    const Rank last = rank.ranks() - 1;
    if (rank.rank() == last) {
      rank.transport().abort(Error(tuttiMismatch, "the first error", {0, last}));
    } else {
      // Asleep on its own bell: the alarm wakes it.
      ASSERT_TRUE(rank.sleep_until(rank.own_bell(), [&] {
        return rank.own_bell().alarm.load(std::memory_order_acquire) != 0;
      }));
    }
    ASSERT_TRUE(rank.await([&] { return rank.transport().failure().has_value(); }));
    rank.transport().abort(Error(tuttiSystemError, "a later error", {rank.rank()}));
    rank.meet();
    const auto failure = rank.transport().failure();
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->code(), tuttiMismatch);
    EXPECT_STREQ(failure->what(), "the first error");
    EXPECT_EQ(failure->culprits(), (std::vector<Rank>{0, last}));
    EXPECT_NE(rank.own_bell().alarm.load(), 0U);
  });
}

TEST_P(TransportConformance, AbortsAtTheSameTimeAgreeOnOneError) {
  std::vector<std::string> texts(static_cast<std::size_t>(ranks()));
  run([&](TransportRank& rank) {
    rank.meet();
    rank.transport().abort(
        Error(tuttiRemoteError, "error of rank " + std::to_string(rank.rank()), {rank.rank()}));
    ASSERT_TRUE(rank.await([&] { return rank.transport().failure().has_value(); }));
    texts[static_cast<std::size_t>(rank.rank())] = rank.transport().failure()->what();
  });
  for (const std::string& text : texts) EXPECT_EQ(text, texts[0]);
}

TEST_P(TransportConformance, AVeryLongErrorIsCutAndNotLost) {
  run([](TransportRank& rank) {
    rank.meet();
    if (rank.rank() == 0) {
      rank.transport().abort(
          Error(tuttiInternalError, std::string(100'000, 'x'), std::vector<int>(1000, 0)));
    }
    ASSERT_TRUE(rank.await([&] { return rank.transport().failure().has_value(); }));
    EXPECT_GT(std::string(rank.transport().failure()->what()).size(), 500U);
    EXPECT_EQ(rank.transport().failure()->code(), tuttiInternalError);
  });
}

TEST_P(TransportConformance, ALeftRankIsSeen) {
  run([](TransportRank& rank) {
    const Rank leaver = rank.ranks() - 1;
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      EXPECT_EQ(rank.transport().peer_state(peer), PeerState::kAlive);
    }
    rank.meet();
    if (rank.rank() == leaver) {
      rank.leave();
      return;
    }
    ASSERT_TRUE(rank.sleep_until(rank.own_bell(), [&] {
      return rank.own_bell().alarm.load(std::memory_order_acquire) != 0;
    }));
    ASSERT_TRUE(
        rank.await([&] { return rank.transport().peer_state(leaver) == PeerState::kLeft; }));
    EXPECT_EQ(rank.transport().peer_state(rank.rank()), PeerState::kAlive);
    EXPECT_FALSE(rank.transport().failure().has_value());
  });
}

TEST_P(TransportConformance, PathsAndAccessAreSymmetric) {
  struct View {
    int hop_class[TransportRank::kMaxRanks];
    bool shared_words[TransportRank::kMaxRanks];
    bool crowded;
    bool sparse;
    double costs[5];
  };
  run([](TransportRank& rank) {
    View mine{};
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      const Access access = rank.transport().access(peer);
      const Path path = rank.transport().path(peer);
      mine.hop_class[peer] = path.hop_class;
      mine.shared_words[peer] = access.shared_words;
      EXPECT_EQ(path.hop_class == 0, peer == rank.rank());
      EXPECT_GT(path.bytes_per_ns, 0);
      EXPECT_GE(path.latency_ns, 0);
      EXPECT_GT(path.read_bytes_per_ns, 0);
      EXPECT_GE(path.read_latency_ns, 0);
      // Words and lines of peers are reached by loads and stores.
      EXPECT_TRUE(!access.shared_words || (access.views && access.stores));
      EXPECT_EQ(rank.control().lines(peer) != nullptr, access.shared_words);
    }
    mine.crowded = rank.transport().crowded();
    mine.sparse = rank.transport().sparse_segments();
    if (const Costs* const costs = rank.transport().costs()) {
      const Path from_first = costs->path(0, rank.ranks() - 1);
      mine.costs[0] = from_first.latency_ns;
      mine.costs[1] = from_first.read_bytes_per_ns;
      mine.costs[2] = costs->work_ns(LocalWork::looks(3));
      mine.costs[3] = costs->post_ns(from_first);
      mine.costs[4] = costs->issue_ns(1000);
      for (Rank peer = 0; peer < rank.ranks(); ++peer) {
        const Path path = costs->path(rank.rank(), peer);
        EXPECT_EQ(path.hop_class, rank.transport().path(peer).hop_class);
        EXPECT_EQ(path.latency_ns, rank.transport().path(peer).latency_ns);
      }
    }
    const auto all = all_gather_value(rank.bootstrap(), mine);
    for (Rank peer = 0; peer < rank.ranks(); ++peer) {
      const View& theirs = all[static_cast<std::size_t>(peer)];
      EXPECT_EQ(theirs.hop_class[rank.rank()], mine.hop_class[peer]);
      EXPECT_EQ(theirs.shared_words[rank.rank()], mine.shared_words[peer]);
      EXPECT_EQ(theirs.crowded, mine.crowded);
      EXPECT_EQ(theirs.sparse, mine.sparse);
      for (std::size_t i = 0; i < std::size(mine.costs); ++i) {
        EXPECT_EQ(theirs.costs[i], mine.costs[i]) << "algorithms are chosen by it: " << i;
      }
    }
    EXPECT_FALSE(rank.transport().name().empty());
  });
}

TEST_P(TransportConformance, SegmentsStartZeroedAndApart) {
  run([](TransportRank& rank) {
    ASSERT_EQ(rank.control().local().size(), TransportRank::kSegmentBytes);
    for (const std::byte byte : rank.control().local()) ASSERT_EQ(byte, std::byte{0});
    rank.meet();
    fill_pattern(rank.control().local().subspan(TransportRank::kLineBytes), rank.rank(), 1);
    rank.meet();
    EXPECT_TRUE(
        has_pattern(rank.control().local().subspan(TransportRank::kLineBytes), rank.rank(), 1));
  });
}

INSTANTIATE_TEST_SUITE_P(Transports, TransportConformance,
                         testing::Combine(testing::ValuesIn(kinds()),
                                          testing::ValuesIn(rank_counts())),
                         [](const testing::TestParamInfo<std::tuple<TransportKind, int>>& param) {
                           return std::string(std::get<0>(param.param).name) + "_" +
                                  std::to_string(std::get<1>(param.param)) + "_ranks";
                         });

}  // namespace tutti::test
