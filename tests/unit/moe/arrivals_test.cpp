// The receiver's side, and the way back, for whole steps of several ranks.
#include "moe/arrivals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <tutti/error.hpp>

#include "moe/bounds.hpp"
#include "moe/return_map.hpp"
#include "oracle.hpp"

namespace tutti::moe {
namespace {

bool same(const tuttiMoeSource_t& a, const tuttiMoeSource_t& b) {
  return a.rank == b.rank && a.token == b.token && a.lane == b.lane;
}

// All ranks of a group in one thread: every table, every receiver.
class World {
 public:
  World(Placement placement, RoutingLimits limits) : placement_(std::move(placement)) {
    for (int rank = 0; rank < ranks(); ++rank) {
      const GroupSizes sizes{ranks(), placement_.count_of(rank), limits};
      entry_memory_.emplace_back(static_cast<std::size_t>(limits.max_tokens * limits.max_lanes));
      row_memory_.emplace_back(max_entries(sizes));
      tables_.emplace_back(placement_, limits, entry_memory_.back());
      arrivals_.emplace_back(sizes.local_experts, ranks(), row_memory_.back());
    }
  }

  void run(const oracle::Step& step, const Layout& layout) {
    for (int rank = 0; rank < ranks(); ++rank) {
      const auto& source = step.sources[at(rank)];
      tables_[at(rank)].build({.indices = source.experts.data(),
                               .row_stride = static_cast<std::size_t>(step.lanes),
                               .tokens = source.tokens,
                               .lanes = step.lanes});
    }
    for (int rank = 0; rank < ranks(); ++rank) {
      std::vector<std::span<const Entry>> entries;
      for (auto& table : tables_) entries.push_back(table.entries_for(rank));
      arrivals_[at(rank)].arrange(layout, entries);
    }
  }

  std::vector<RowPlace> places(int source, bool by_lane) const {
    std::vector<std::span<const std::uint32_t>> rows;
    for (auto& arrivals : arrivals_) rows.push_back(arrivals.rows_of(source));
    const RoutingTable& table = tables_[at(source)];
    std::vector<RowPlace> places(static_cast<std::size_t>(table.tokens() * table.lanes()));
    (by_lane ? map_by_lane : map_by_rank)(table, rows, places);
    return places;
  }

  int ranks() const { return placement_.ranks(); }
  const Placement& placement() const { return placement_; }
  const Arrivals& arrivals(int rank) const { return arrivals_[at(rank)]; }

 private:
  static std::size_t at(int rank) { return static_cast<std::size_t>(rank); }

  Placement placement_;
  std::vector<std::vector<Entry>> entry_memory_;
  std::vector<std::vector<std::uint32_t>> row_memory_;
  std::vector<RoutingTable> tables_;
  std::vector<Arrivals> arrivals_;
};

void expect_as_oracle(const World& world, const oracle::Step& step, const Layout& layout,
                      RoutingLimits limits) {
  const auto flights = oracle::flights_of(step, world.placement());
  for (int rank = 0; rank < world.ranks(); ++rank) {
    const Arrivals& got = world.arrivals(rank);
    const int experts = world.placement().count_of(rank);
    const auto want = oracle::receive(flights, rank, world.ranks(), experts, layout);
    ASSERT_EQ(got.num_rows(), want.rows.size());
    ASSERT_LE(got.num_rows(), max_rows({world.ranks(), experts, limits}, layout));
    ASSERT_THAT(got.expert_counts(), testing::ElementsAreArray(want.expert_counts));
    ASSERT_THAT(got.expert_offsets(), testing::ElementsAreArray(want.expert_offsets));
    ASSERT_THAT(got.source_counts(), testing::ElementsAreArray(want.source_counts));
    std::vector<tuttiMoeSource_t> sources(got.num_rows());
    got.list_sources(sources);
    for (std::size_t i = 0; i < sources.size(); ++i)
      ASSERT_TRUE(same(sources[i], want.rows[i])) << i;
    std::size_t i = 0;
    for (int source = 0; source < world.ranks(); ++source) {
      for (const auto row : got.rows_of(source)) ASSERT_EQ(row, want.row_of_flight[i++]);
    }
    ASSERT_EQ(i, want.row_of_flight.size());
  }
}

// The way back leads to the rows that the oracle names, for every lane.
void expect_way_back(const World& world, const oracle::Step& step, const Layout& layout) {
  const auto flights = oracle::flights_of(step, world.placement());
  const auto lanes = static_cast<std::size_t>(step.lanes);
  std::vector<std::vector<RowPlace>> by_lane, by_rank;
  for (const auto& source : step.sources) {
    by_lane.emplace_back(static_cast<std::size_t>(source.tokens) * lanes);
    by_rank.emplace_back();
  }
  std::vector<std::vector<std::vector<RowPlace>>> of_token(step.sources.size());
  for (std::size_t s = 0; s < of_token.size(); ++s) {
    of_token[s].resize(static_cast<std::size_t>(step.sources[s].tokens));
  }
  for (int rank = 0; rank < world.ranks(); ++rank) {
    const auto want =
        oracle::receive(flights, rank, world.ranks(), world.placement().count_of(rank), layout);
    std::size_t i = 0;
    for (const auto& f : flights) {
      if (f.destination != rank) continue;
      const RowPlace place{rank, want.row_of_flight[i++]};
      const auto s = static_cast<std::size_t>(f.source), t = static_cast<std::size_t>(f.token);
      by_lane[s][t * lanes + static_cast<std::size_t>(f.lane)] = place;
      auto& list = of_token[s][t];
      if (list.empty() || list.back() != place) list.push_back(place);
    }
  }
  for (int source = 0; source < world.ranks(); ++source) {
    const auto s = static_cast<std::size_t>(source);
    for (auto& list : of_token[s]) {
      list.resize(lanes);
      by_rank[s].insert(by_rank[s].end(), list.begin(), list.end());
    }
    ASSERT_EQ(world.places(source, true), by_lane[s]);
    ASSERT_EQ(world.places(source, false), by_rank[s]);
  }
}

TEST(Arrivals, RowsAndTheWayBackAreThoseOfTheOracle) {
  const RoutingLimits limits{14, 64};
  const Layout layouts[] = {{tuttiMoeLayoutToken, tuttiMoeRowsPerRank, 1},
                            {tuttiMoeLayoutToken, tuttiMoeRowsPerLane, 8},
                            {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 0},
                            {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 8},
                            {tuttiMoeLayoutExpert, tuttiMoeRowsPerLane, 128}};
  std::mt19937 random(3);
  for (const int ranks : {1, 2, 3, 5, 8, 24}) {
    for (const int experts : {1, 7, 64, 130}) {
      std::vector<int> owners;
      for (int e = 0; e < experts; ++e) owners.push_back(static_cast<int>(random()) & 0x7fffffff);
      for (auto& owner : owners) owner %= ranks;
      for (const bool contiguous : {true, false}) {
        World world(contiguous ? Placement::contiguous(experts, ranks)
                               : Placement::from_owners(owners, ranks),
                    limits);
        for (const int lanes : {1, 2, 6, 22, 64}) {
          for (const auto choice : oracle::kChoices) {
            std::vector<int> tokens;
            for (int r = 0; r < ranks; ++r) tokens.push_back(static_cast<int>(random() % 15u));
            if (ranks > 1) tokens[random() % tokens.size()] = 0;
            const auto step = oracle::make_step(random, choice, experts, lanes, tokens);
            const Layout& layout = layouts[random() % 5u];
            SCOPED_TRACE(testing::Message() << ranks << " ranks, " << experts << " experts, "
                                            << lanes << " lanes, layout " << layout.kind);
            world.run(step, layout);
            ASSERT_NO_FATAL_FAILURE(expect_as_oracle(world, step, layout, limits));
            ASSERT_NO_FATAL_FAILURE(expect_way_back(world, step, layout));
          }
        }
      }
    }
  }
}

TEST(Arrivals, LanesAndWeightsLandBesideTheirRows) {
  World world(Placement::contiguous(4, 2), {2, 3});
  oracle::Step step{.lanes = 3, .sources = {{2, {0, 2, 1, 3, -1, 0}}, {1, {1, 3, -1}}}};
  world.run(step, {tuttiMoeLayoutToken, tuttiMoeRowsPerRank, 1});
  const float from_0[] = {.1f, .2f, .3f}, from_1[] = {.4f};
  const std::span<const float> weights[] = {from_0, from_1};
  std::vector<std::int32_t> ids(9);
  std::vector<float> out(9);
  world.arrivals(0).fill_lanes(3, weights, ids.data(), out.data());
  EXPECT_THAT(ids, testing::ElementsAre(0, -1, 1, -1, -1, 0, 1, -1, -1));
  EXPECT_THAT(out, testing::ElementsAre(.1f, 0.f, .2f, 0.f, 0.f, .3f, .4f, 0.f, 0.f));

  world.run(step, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 3});
  std::vector<float> by_expert(6, -1.f);
  world.arrivals(0).fill_weights(weights, by_expert);
  EXPECT_THAT(by_expert, testing::ElementsAre(.1f, .3f, 0.f, .2f, .4f, 0.f));
}

TEST(Arrivals, ASourceThatNamesAnExpertNotHereIsTheCulprit) {
  std::vector<std::uint32_t> rows(8);
  Arrivals arrivals(2, 2, rows);
  const Entry good[] = {Entry::make(0, 0, 1)}, bad[] = {Entry::make(5, 0, 2)};
  const std::span<const Entry> entries[] = {good, bad};
  try {
    arrivals.arrange({}, entries);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiRemoteError);
    EXPECT_THAT(error.culprits(), testing::ElementsAre(1));
  }
}

TEST(Arrivals, MoreRowsThanTheGroupWasMadeForAreRefused) {
  std::vector<std::uint32_t> rows(2);
  Arrivals arrivals(1, 2, rows);
  const Entry one[] = {Entry::make(0, 0, 0)}, two[] = {Entry::make(0, 0, 0), Entry::make(1, 0, 0)};
  const std::span<const Entry> entries[] = {one, two};
  EXPECT_THROW(arrivals.arrange({}, entries), Error);
}

}  // namespace
}  // namespace tutti::moe
