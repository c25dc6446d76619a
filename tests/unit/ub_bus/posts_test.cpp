// Who posts to many peers goes ahead of its turn, and nobody can tell.
#include <random>

#include "seen.hpp"

namespace tutti::ub::test {
namespace {

constexpr int kTalkers = 6;
constexpr int kTalks = 60;

// Posts, puts and charges to all, many times; between them looks, and sleep until something comes.
void talk(BusRank& rank, bool together, std::vector<Seen>& seen) {
  std::mt19937 random(static_cast<unsigned>(rank.rank()) + 1);
  static const std::vector<std::byte> large = bytes_of(kTalkBytes + 256, 3);
  // Ranks that do the same at the same time would tell by whose turn is first.
  rank.advance(ps(1 + rank.rank() * 977));
  for (int round = 1; round <= kTalks; ++round) {
    if (together) rank.control->begin_posts();
    const int posts = static_cast<int>(random() % 80);
    for (int i = 0; i < posts; ++i) {
      const Rank peer = (rank.rank() + i) % kTalkers;
      if (random() % 8 == 0) {
        rank.put(peer, talk_area(rank.rank()),
                 std::span(large).subspan(random() % 256, 1 + random() % kTalkBytes));
      }
      if (random() % 16 == 0) rank.transport->charge(LocalWork::copy(random() % 1'000'000));
      rank.post(peer, kTalkLine + static_cast<LineId>(rank.rank()),
                static_cast<std::uint64_t>(round) * 100 + static_cast<std::uint64_t>(i));
    }
    if (together) rank.control->end_posts();
    seen.push_back(see(rank));
    if (random() % 2 == 0) {
      rank.transport->sleep(rank.bell(), rank.bell().ring.load(), Nanoseconds(random() % 9000));
    } else {
      rank.transport->charge(LocalWork::copy(random() % 3'000'000));
    }
  }
  rank.bootstrap->all_gather({}, {});
}

SeenLog talked(SimulationOptions options, bool together, SimulationReport& report) {
  SeenLog log(kTalkers);
  report = simulate(std::move(options), kTalkers, [&](BusRank& rank) {
    talk(rank, together, log[static_cast<std::size_t>(rank.rank())]);
  });
  expect_finished(report);
  return log;
}

TEST(BusPosts, TogetherAreAsOneByOne) {
  for (const char* const profile : {"cloudmatrix384", "h800-ib", "gb200-nvl72"}) {
    for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
      for (const int jitter : {0, 20}) {
        SCOPED_TRACE(testing::Message() << profile << ", jitter " << jitter);
        const SimulationOptions options{.profile = load_profile(profile),
                                        .fabric = {.level = level},
                                        .jitter = {.percent = jitter}};
        SimulationOptions recorded = options;
        recorded.record_bytes = 64 << 20;
        SimulationReport report;
        SimulationReport again;
        const SeenLog alone = talked(options, false, report);
        expect_same(alone, talked(options, true, again));
        EXPECT_EQ(report.arrivals, again.arrivals);
        EXPECT_EQ(report.payload, again.payload);
        EXPECT_EQ(report.end, again.end);
        SimulationReport with_record;
        expect_same(alone, talked(recorded, true, with_record));
        expect_same(again, with_record);
      }
    }
  }
}

// The fibre runs on through its posts, and others have their turns after them.
TEST(BusPosts, TogetherTakeOneTurn) {
  std::vector<std::pair<Rank, int>> order;
  const auto report = simulate("cloudmatrix384", 2, [&](BusRank& rank) {
    const Picoseconds start = rank.now();
    rank.post(1 - rank.rank(), kTalkLine, 1);
    const Picoseconds flag = rank.now() - start;
    EXPECT_GT(flag, ps(0));
    rank.advance_to(us(50 + rank.rank()));
    const Picoseconds before = rank.now();
    rank.control->begin_posts();
    for (int i = 0; i < 4000; ++i) {
      if (i < 4) order.emplace_back(rank.rank(), i);
      rank.post(1 - rank.rank(), kTalkLine, static_cast<std::uint64_t>(i) + 2);
      EXPECT_GE(rank.now(), before + (i + 1) * flag - us(1)) << "too far ahead";
    }
    rank.control->end_posts();
    EXPECT_EQ(rank.now() - before, 4000 * flag);
    rank.control->end_posts();  // of none
    EXPECT_EQ(rank.now() - before, 4000 * flag);
  });
  expect_finished(report);
  const std::vector<std::pair<Rank, int>> expected{{0, 0}, {0, 1}, {0, 2}, {0, 3},
                                                   {1, 0}, {1, 1}, {1, 2}, {1, 3}};
  EXPECT_EQ(order, expected);
}

// One stream goes ahead and the other one does not; each has its time, and looks at its lines.
TEST(BusPosts, OfStreamsMix) {
  constexpr int kPosts = 5000;
  const auto report = simulate("cloudmatrix384", 2, [&](BusRank& rank) {
    Scheduler& scheduler = rank.scheduler();
    const Picoseconds start = rank.now();
    rank.post(1 - rank.rank(), kTalkLine, 1);
    const Picoseconds flag = rank.now() - start;
    rank.advance_to(us(50));
    const auto tell = [&](LineId line) {
      const Picoseconds before = rank.now();
      rank.control->begin_posts();
      for (int i = 1; i <= kPosts; ++i) {
        rank.post(1 - rank.rank(), line, static_cast<std::uint64_t>(i) + 1);
      }
      rank.control->end_posts();
      EXPECT_EQ(rank.now() - before, kPosts * flag);
      rank.transport->progress();
      EXPECT_TRUE(rank.await_line(line, kPosts + 1));
    };
    const FibreId stream = scheduler.spawn({.rank = rank.rank(), .stream = 1}, rank.now(),
                                           [&] { tell(kTalkLine + 1); });
    tell(kTalkLine);
    scheduler.join(stream);
    EXPECT_EQ(rank.line(kTalkLine + 1), kPosts + 1U);
  });
  expect_finished(report);
  EXPECT_EQ(report.transfers, 2U * (2 * kPosts + 1));
}

// A rank that a fault ends has sent what it posted until then, and no more.
TEST(BusPosts, EndWithTheirRank) {
  Picoseconds flag{};
  const auto posted = [&](std::optional<Picoseconds> death) {
    SimulationOptions options{.profile = load_profile("cloudmatrix384")};
    if (death) options.fabric.faults = {{.kind = Fault::Kind::kRank, .at = *death, .rank = 0}};
    return simulate(std::move(options), 2,
                    [&](BusRank& rank) {
                      if (rank.rank() == 1) return;
                      rank.advance_to(us(50));
                      rank.control->begin_posts();
                      for (int i = 0; i < 10; ++i) {
                        rank.post(1, kTalkLine, static_cast<std::uint64_t>(i) + 1);
                      }
                      rank.control->end_posts();
                      flag = (rank.now() - us(50)) / 10;
                    })
        .transfers;
  };
  EXPECT_EQ(posted(std::nullopt), 10U);
  EXPECT_EQ(posted(us(50) + flag * 5 / 2), 3U);
}

}  // namespace
}  // namespace tutti::ub::test
