// A line implies everything that its writer sent before it, however the fabric orders transfers.
#include <random>

#include "bus_rank.hpp"

namespace tutti::ub::test {
namespace {

constexpr int kRanks = 6;
constexpr int kRounds = 4;
constexpr std::size_t kArea = 40'000;

std::size_t size_of(int from, int to, int round) {
  return 1 + static_cast<std::size_t>(from * 7919 + to * 104729 + round * 1299709) % (kArea - 1);
}

// Puts and commits of all sizes in two parts, then a line, to all, again and again.
void exchange_in_order(BusRank& rank) {
  std::vector<std::vector<std::byte>> sources;
  for (int round = 1; round <= kRounds; ++round) {
    for (int step = 0; step < kRanks; ++step) {
      const Rank peer = (rank.rank() + step) % kRanks;
      const std::size_t place = static_cast<std::size_t>(rank.rank() * kRounds + round - 1) * kArea;
      sources.push_back(bytes_of(size_of(rank.rank(), peer, round), rank.rank() + round));
      const std::span<const std::byte> all = sources.back();
      const std::size_t half = all.size() / 2;
      rank.put(peer, place, all.first(half));
      const auto shadow =
          rank.control->reach(peer, BusRank::kData + place + half, all.size() - half);
      ASSERT_EQ(shadow.size(), all.size() - half);
      std::memcpy(shadow.data(), all.data() + half, shadow.size());
      rank.control->commit(peer, BusRank::kData + place + half, shadow.size());
      rank.post(peer, static_cast<LineId>(10 + rank.rank()), static_cast<std::uint64_t>(round));
    }
    for (Rank peer = 0; peer < kRanks; ++peer) {
      ASSERT_TRUE(
          rank.await_line(static_cast<LineId>(10 + peer), static_cast<std::uint64_t>(round)));
      const auto expected = bytes_of(size_of(peer, rank.rank(), round), peer + round);
      const std::size_t place = static_cast<std::size_t>(peer * kRounds + round - 1) * kArea;
      ASSERT_EQ(std::memcmp(rank.data() + place, expected.data(), expected.size()), 0)
          << "of rank " << peer << " in round " << round;
    }
  }
  for (Rank peer = 0; peer < kRanks; ++peer) rank.control->flush(peer, std::chrono::seconds(1));
  rank.bootstrap->all_gather({}, {});
}

TEST(BusOrder, ALineComesBehindItsPutsUnderEverySeed) {
  const ModelLevel levels[] = {ModelLevel::kMessage, ModelLevel::kCell, ModelLevel::kBound};
  const Spraying sprayings[] = {Spraying::kMessageHash, Spraying::kPerCell, Spraying::kLeastLoaded,
                                Spraying::kSummed};
  for (std::uint64_t seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    expect_finished(
        simulate({.profile = load_profile("cloudmatrix384"),
                  .fabric = {.level = levels[seed % 3], .spraying = sprayings[seed % 4]},
                  .scheduler = {.reorder_seed = seed}},
                 kRanks, exchange_in_order));
  }
}

// On a plane of its own a small transfer overtakes a large one.
TEST(BusOrder, ALineWaitsForAPutThatItOvertook) {
  const std::vector<std::byte> large = bytes_of(1 << 20, 1);
  int overtaken = 0;
  const auto report =
      simulate({.profile = load_profile("cloudmatrix384-wire"),
                .fabric = {.spraying = Spraying::kMessageHash}},
               2, [&](BusRank& rank) {
                 for (std::uint64_t round = 1; round <= 20; ++round) {
                   if (rank.rank() == 0) {
                     const Picoseconds start = rank.now();
                     rank.put(1, 0, large);
                     rank.post(1, 10, round);
                     ASSERT_TRUE(rank.await_line(11, round));
                     overtaken += rank.now() - start > us(18) ? 1 : 0;
                   } else {
                     ASSERT_TRUE(rank.await_line(10, round));
                     ASSERT_EQ(std::memcmp(rank.data(), large.data(), large.size()), 0);
                     std::memset(rank.data(), 0, large.size());
                     rank.post(0, 11, round);
                   }
                 }
               });
  expect_finished(report);
  EXPECT_EQ(overtaken, 20) << "a megabyte on one plane of 56 GB/s takes 18.7 us";
}

}  // namespace
}  // namespace tutti::ub::test
