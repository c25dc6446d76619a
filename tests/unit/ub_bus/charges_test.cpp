// What each call costs in virtual time, to the picosecond, on a fabric that is otherwise idle.
#include "bus_rank.hpp"

namespace tutti::ub::test {
namespace {

// From rank 0 to rank 1, whole packages of one node: bytes / bandwidth is rounded up.
struct Wire {
  const char* profile;
  Picoseconds latency;
  std::int64_t bytes_per_us;
  std::int64_t own_bytes_per_us;

  Picoseconds takes(std::int64_t bytes) const {
    return latency + ps((bytes * 1'000'000 + bytes_per_us - 1) / bytes_per_us);
  }
  Picoseconds takes_at_home(std::int64_t bytes) const {
    return ps((bytes * 1'000'000 + own_bytes_per_us - 1) / own_bytes_per_us);
  }
};

class BusCharges : public testing::TestWithParam<Wire> {
 protected:
  void run(const RankBody& body, int ranks = 2) {
    expect_finished(simulate(GetParam().profile, ranks, body));
  }
};

TEST_P(BusCharges, APutIsThereAtItsArrivalAndNotBefore) {
  const std::vector<std::byte> source = bytes_of(7168, 1);
  run([&](BusRank& rank) {
    const Picoseconds start = us(5) + ps(7);
    const Picoseconds arrival = start + GetParam().takes(7168);
    if (rank.rank() == 0) {
      rank.advance_to(start);
      rank.put(1, 0, source);
      EXPECT_EQ(rank.now(), start) << "who puts goes on";
      rank.advance_to(arrival + us(1));
    } else {
      rank.advance_to(arrival - ps(1));
      EXPECT_EQ(rank.data()[1], std::byte{0});
      rank.advance(ps(1));
      EXPECT_EQ(std::memcmp(rank.data(), source.data(), source.size()), 0);
    }
  });
}

TEST_P(BusCharges, PiecesTravelTogether) {
  const std::vector<std::byte> source = bytes_of(1000, 1);
  run([&](BusRank& rank) {
    const Picoseconds arrival = GetParam().takes(1000);
    if (rank.rank() == 0) {
      const std::span<const std::byte> all(source);
      const Piece pieces[] = {{all.first(300), BusRank::kData + 700},
                              {all.subspan(300, 0), BusRank::kData},
                              {all.subspan(300), BusRank::kData}};
      rank.control->put(1, pieces);
      rank.advance_to(arrival);
    } else {
      rank.advance_to(arrival - ps(1));
      EXPECT_EQ(rank.data()[1], std::byte{0});
      rank.advance(ps(1));
      EXPECT_EQ(std::memcmp(rank.data(), source.data() + 300, 700), 0);
      EXPECT_EQ(std::memcmp(rank.data() + 700, source.data(), 300), 0);
    }
  });
}

TEST_P(BusCharges, ALineTakesAsLongAsSixtyFourBytesAndWakesAtItsArrival) {
  run([&](BusRank& rank) {
    if (rank.rank() == 0) {
      rank.advance_to(us(3));
      rank.post(1, 10, 77);
    } else {
      ASSERT_TRUE(rank.await_line(10, 77));
      EXPECT_EQ(rank.now(), us(3) + GetParam().takes(64));
    }
  });
}

TEST_P(BusCharges, ALineToItselfTakesARankItsMemory) {
  run(
      [&](BusRank& rank) {
        rank.post(0, 10, 1);
        EXPECT_EQ(rank.line(10), 0U);
        ASSERT_TRUE(rank.await_line(10, 1));
        EXPECT_EQ(rank.now(), GetParam().takes_at_home(64));
      },
      1);
}

TEST_P(BusCharges, AViewWaitsForTheWayThereAndForItsBytes) {
  run([&](BusRank& rank) {
    if (rank.rank() == 1) rank.data()[0] = std::byte{42};
    if (rank.rank() == 0) {
      rank.advance_to(us(2));
      const auto seen = rank.control->view(1, BusRank::kData, 100'000);
      EXPECT_EQ(rank.now(), us(2) + GetParam().takes(100'000));
      ASSERT_EQ(seen.size(), 100'000U);
      EXPECT_EQ(seen[0], std::byte{42});
      const Picoseconds before = rank.now();
      EXPECT_TRUE(rank.control->view(1, BusRank::kSegmentBytes, 1).empty());
      EXPECT_EQ(rank.control->view(1, BusRank::kData, 0).size(), 0U);
      EXPECT_EQ(rank.now(), before) << "nothing is free";
    }
    rank.bootstrap->all_gather({}, {});
  });
}

TEST_P(BusCharges, AGetCostsWhatAViewDoes) {
  std::vector<std::byte> source = bytes_of(5000, 3);
  run([&](BusRank& rank) {
    if (rank.rank() == 0) {
      std::vector<std::byte> copy(5000);
      const std::span<std::byte> all(copy);
      const auto base = reinterpret_cast<std::uintptr_t>(source.data());
      const Fetch pieces[] = {{1, all.first(1), base}, {1, all.subspan(1), base + 1}};
      rank.process->get(pieces);
      EXPECT_EQ(rank.now(), GetParam().takes(5000));
      EXPECT_EQ(copy, source);
    }
    rank.bootstrap->all_gather({}, {});
  });
}

// More than the caches hold: stored around them.
TEST_P(BusCharges, AGetOfThousandsOfRowsBringsEachToItsPlace) {
  constexpr std::size_t kRows = 1200;
  constexpr std::size_t kRow = 7168;
  std::vector<std::byte> source = bytes_of(kRows * kRow, 3);
  run([&](BusRank& rank) {
    if (rank.rank() == 0) {
      std::vector<std::byte> copy(kRows * kRow);
      std::vector<Fetch> pieces;
      for (std::size_t row = 0; row < kRows; ++row) {
        const std::size_t from = (row * 7 + 1) % kRows;  // another order
        pieces.push_back({1, std::span(copy).subspan(row * kRow, kRow),
                          reinterpret_cast<std::uintptr_t>(&source[from * kRow])});
      }
      rank.process->get(pieces);
      std::size_t wrong = 0;
      for (std::size_t row = 0; row < kRows; ++row) {
        const std::size_t from = (row * 7 + 1) % kRows;
        wrong += std::memcmp(&copy[row * kRow], &source[from * kRow], kRow) == 0 ? 0 : 1;
      }
      EXPECT_EQ(wrong, 0U);
    }
    rank.bootstrap->all_gather({}, {});
  });
}

// All that one call asks for is under way at once: pieces of one rank as one transfer, and for
// small ones of many ranks the way there and back is waited for once.
TEST_P(BusCharges, WhatIsReadTogetherComesTogether) {
  constexpr int kRanks = 5;
  run(
      [&](BusRank& rank) {
        std::fill_n(rank.data(), 4096, static_cast<std::byte>(rank.rank()));
        rank.bootstrap->all_gather({}, {});
        if (rank.rank() == 0) {
          const auto piece = [](Rank peer, std::size_t offset, std::size_t bytes) {
            return View{
                .peer = peer, .offset = BusRank::kData + offset, .bytes = bytes, .data = nullptr};
          };
          Picoseconds start = rank.now();
          View rows[] = {piece(1, 0, 1000), piece(1, 2000, 1000), piece(1, 1000, 1000)};
          rank.control->view(rows);
          EXPECT_EQ(rank.now() - start, GetParam().takes(3000));

          start = rank.now();
          View views[] = {piece(1, 0, 8), piece(2, 0, 8), piece(3, 0, 8), piece(4, 0, 8)};
          rank.control->view(views);
          const Picoseconds together = rank.now() - start;
          for (const View& view : views) {
            EXPECT_EQ(view.data[0], static_cast<std::byte>(view.peer));
          }
          start = rank.now();
          for (Rank peer = 1; peer < kRanks; ++peer) {
            EXPECT_EQ(rank.control->view(peer, BusRank::kData, 8)[0], static_cast<std::byte>(peer));
          }
          EXPECT_GE(rank.now() - start, together);
          if (GetParam().takes(0) > ps(0)) {
            EXPECT_LT(2 * together, rank.now() - start);
          }
        }
        rank.bootstrap->all_gather({}, {});
      },
      kRanks);
}

TEST_P(BusCharges, LookingIsNeverFree) {
  run([&](BusRank& rank) {
    rank.transport->progress();
    EXPECT_EQ(rank.now(), ns(1)) << "these profiles have no software";
    rank.transport->sleep(rank.bell(), rank.bell().ring.load() + 1, std::chrono::seconds(1));
    EXPECT_EQ(rank.now(), ns(2)) << "the bell shows something else already";
    rank.transport->sleep(rank.bell(), rank.bell().ring.load(), Nanoseconds(0));
    EXPECT_EQ(rank.now(), ns(3));
    rank.advance(ps(999));
    rank.transport->sleep(rank.bell(), rank.bell().ring.load(), Nanoseconds(5));
    EXPECT_EQ(rank.now(), ps(8999));
    EXPECT_EQ(rank.transport->clock().now(), Nanoseconds(8)) << "rounded down";
    for (int i = 0; i < 10'000 && rank.transport->clock().now() < Nanoseconds(20); ++i) {
    }
    EXPECT_GE(rank.transport->clock().now(), Nanoseconds(20)) << "a loop on the clock gets on";
  });
}

INSTANTIATE_TEST_SUITE_P(Profiles, BusCharges,
                         testing::Values(Wire{"ideal", ns(1), 100'000'000, 100'000'000},
                                         Wire{"cloudmatrix384-wire", ns(1200), 392'000, 1'600'000}),
                         [](const testing::TestParamInfo<Wire>& param) {
                           return std::string(param.param.profile) == "ideal" ? "ideal" : "wire";
                         });

TEST(BusSoftware, PostsAndLooksTakeTheCallersTime) {
  simulate("cloudmatrix384", 2, [&](BusRank& rank) {
    rank.transport->progress();
    EXPECT_EQ(rank.now(), ns(1500)) << "poll_ns";
    rank.post(1 - rank.rank(), 10, 1);
    EXPECT_EQ(rank.now(), ns(1500) + ps(1042)) << "flag_ns, which 48 cores share";
    rank.await_line(10, 1);
    EXPECT_GT(rank.now(), ns(300)) << "the sibling die is 200 ns away";
  });
}

TEST(BusSoftware, ASlowRankTakesLonger) {
  const Fault slow{.kind = Fault::Kind::kSlowRank, .at = {}, .rank = 1, .percent = 300};
  simulate({.profile = load_profile("cloudmatrix384"), .fabric = {.faults = {slow}}}, 2,
           [&](BusRank& rank) {
             rank.transport->progress();
             EXPECT_EQ(rank.now(), rank.rank() == 1 ? ns(4500) : ns(1500));
           });
}

TEST(BusPaths, AreThoseOfTheTopology) {
  simulate("cloudmatrix384-wire", 9, [&](BusRank& rank) {
    if (rank.rank() != 0) return;
    EXPECT_EQ(rank.transport->path(0).hop_class, 0);
    EXPECT_EQ(rank.transport->path(1).hop_class, 3) << "same node";
    EXPECT_EQ(rank.transport->path(8).hop_class, 4) << "another node";
    EXPECT_DOUBLE_EQ(rank.transport->path(1).latency_ns, 1200);
    EXPECT_DOUBLE_EQ(rank.transport->path(8).latency_ns, 1900);
    EXPECT_NEAR(rank.transport->path(1).bytes_per_ns, 392, 0.1);
  });
}

// What models of algorithms are told is what then passes.
TEST(BusCosts, AreWhatThenIsCharged) {
  simulate("cloudmatrix384", 32, [&](BusRank& rank) {
    if (rank.rank() != 0) return;
    const Costs& costs = *rank.transport->costs();
    const auto passed = [&](const auto& body) {
      const Picoseconds start = rank.now();
      body();
      return static_cast<double>((rank.now() - start).count()) / 1e3;
    };
    for (const LocalWork& work : {LocalWork::entry(), LocalWork::sync(), LocalWork::looks(49),
                                  LocalWork::copy(1000), LocalWork::reduce(12345)}) {
      const double ns = costs.work_ns(work);
      EXPECT_GT(ns, 0);
      EXPECT_DOUBLE_EQ(passed([&] { rank.transport->charge(work); }), ns);
    }
    EXPECT_DOUBLE_EQ(passed([&] { rank.post(1, 10, 1); }), costs.post_ns(costs.path(0, 1)));
    EXPECT_DOUBLE_EQ(costs.issue_ns(48), 0) << "a row a core";
    EXPECT_DOUBLE_EQ(costs.issue_ns(49), 990) << "row_issue_ns";
    EXPECT_DOUBLE_EQ(costs.path(20, 21).latency_ns, 200) << "sibling dies";
    EXPECT_DOUBLE_EQ(costs.path(3, 20).latency_ns, 2100) << "a write between nodes";
    EXPECT_DOUBLE_EQ(costs.path(20, 3).read_latency_ns, 1900);
    EXPECT_NEAR(costs.path(20, 3).read_bytes_per_ns, 164, 0.1);
    EXPECT_NEAR(costs.path(20, 3).bytes_per_ns, 135, 0.1);
  });
}

TEST(BusCosts, OfBareWiresAreThoseOfTheWires) {
  simulate("cloudmatrix384-wire", 9, [&](BusRank& rank) {
    const Costs& costs = *rank.transport->costs();
    EXPECT_EQ(costs.work_ns(LocalWork::sync()), 0);
    EXPECT_EQ(costs.post_ns(costs.path(0, 1)), 0);
    EXPECT_EQ(costs.issue_ns(1000), 0);
  });
}

}  // namespace
}  // namespace tutti::ub::test
