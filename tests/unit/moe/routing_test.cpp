// The source's side: checks, the sort by destination, and the map back.
#include "moe/routing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <tutti/error.hpp>
#include <utility>

#include "oracle.hpp"

namespace tutti::moe {
namespace {

struct Fixture {
  Fixture(Placement p, RoutingLimits limits)
      : placement(std::move(p)),
        memory(static_cast<std::size_t>(limits.max_tokens) *
               static_cast<std::size_t>(limits.max_lanes)),
        table(placement, limits, memory) {}

  std::string complaint(const TopK& topk) {
    try {
      table.build(topk);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), tuttiInvalidArgument);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  Placement placement;
  std::vector<Entry> memory;
  RoutingTable table;
};

template <typename Index>
TopK topk_of(const std::vector<Index>& ids, int n, int k, std::size_t stride = 0) {
  return {.indices = ids.data(),
          .type = sizeof(Index) == 8 ? tuttiInt64 : tuttiInt32,
          .row_stride = stride == 0 ? static_cast<std::size_t>(k) : stride,
          .tokens = n,
          .lanes = k};
}

TEST(Routing, EntriesAreThoseOfTheOracleForEveryDestination) {
  std::mt19937 random(7);
  for (const int ranks : {1, 2, 3, 5, 8, 24}) {
    for (const int lanes : {1, 2, 6, 8, 22, 64}) {
      for (const auto choice : oracle::kChoices) {
        for (const int experts : {64, 67, 256}) {
          Fixture f(Placement::contiguous(experts, ranks), {40, 64});
          for (const int n : {33, 0, 40, 1}) {  // one table, one step after the other
            const auto step = oracle::make_step(random, choice, experts, lanes, {n});
            f.table.build(topk_of(step.sources[0].experts, n, lanes));
            const auto flights = oracle::flights_of(step, f.placement);
            ASSERT_EQ(f.table.entries().size(), flights.size());
            for (int rank = 0; rank < ranks; ++rank) {
              std::set<int> tokens;
              std::size_t i = 0;
              const auto entries = f.table.entries_for(rank);
              for (const auto& flight : flights) {
                if (flight.destination != rank) continue;
                ASSERT_LT(i, entries.size());
                ASSERT_EQ(entries[i].token, static_cast<std::uint32_t>(flight.token));
                ASSERT_EQ(entries[i].lane(), static_cast<std::uint32_t>(flight.lane));
                ASSERT_EQ(entries[i].expert(), static_cast<std::uint32_t>(flight.expert));
                tokens.insert(flight.token);
                ++i;
              }
              ASSERT_EQ(i, entries.size());
              ASSERT_EQ(f.table.tokens_for(rank), tokens.size());
            }
          }
        }
      }
    }
  }
}

TEST(Routing, WideIndicesWithAStrideGiveTheSameTable) {
  std::mt19937 random(11);
  const auto step = oracle::make_step(random, oracle::Choice::kHoles, 30, 5, {17});
  std::vector<std::int64_t> wide(17 * 9, 1'000'000'000'000);  // between rows: never read
  for (std::size_t t = 0; t < 17; ++t) {
    for (std::size_t l = 0; l < 5; ++l) wide[t * 9 + l] = step.sources[0].experts[t * 5 + l];
  }
  Fixture narrow(Placement::contiguous(30, 4), {17, 5}),
      strided(Placement::contiguous(30, 4), {17, 5});
  narrow.table.build(topk_of(step.sources[0].experts, 17, 5));
  strided.table.build(topk_of(wide, 17, 5, 9));
  ASSERT_EQ(narrow.table.entries().size(), strided.table.entries().size());
  for (std::size_t i = 0; i < narrow.table.entries().size(); ++i) {
    EXPECT_EQ(narrow.table.entries()[i].token, strided.table.entries()[i].token);
    EXPECT_EQ(narrow.table.entries()[i].bits, strided.table.entries()[i].bits);
  }
}

TEST(Routing, WeightsFollowTheEntries) {
  Fixture f(Placement::contiguous(4, 2), {3, 2});
  f.table.build(topk_of(std::vector<std::int32_t>{3, 0, -1, 2, 1, 0}, 3, 2));
  const float weights[] = {.3f, .0f, 9.f, .12f, .21f, .20f};
  std::vector<float> out(5);
  f.table.gather_weights(weights, out);
  EXPECT_THAT(out, testing::ElementsAre(.0f, .21f, .20f, .3f, .12f));
  f.table.gather_weights(nullptr, out);
  EXPECT_THAT(out, testing::Each(1.0f));
}

TEST(Routing, BadIdsNameTokenAndLane) {
  Fixture f(Placement::contiguous(8, 2), {4, 3});
  EXPECT_EQ(f.complaint(topk_of(std::vector<std::int32_t>{0, 1, 2, 3, 8, 4}, 2, 3)),
            "token 1, lane 1: expert id 8 is not -1 and not in 0 to 7");
  EXPECT_EQ(f.complaint(topk_of(std::vector<std::int64_t>{0, 1, 1'000'000'000'003}, 1, 3)),
            "token 0, lane 2: expert id 1000000000003 is not -1 and not in 0 to 7");
  EXPECT_EQ(f.complaint(topk_of(std::vector<std::int32_t>{-2, 1, 2}, 1, 3)),
            "token 0, lane 0: expert id -2 is not -1 and not in 0 to 7");
  EXPECT_EQ(f.complaint(topk_of(std::vector<std::int32_t>{0, 1, 2, 5, -1, 5}, 2, 3)),
            "token 1 names expert 5 twice, in lanes 0 and 2");
}

TEST(Routing, BadShapesSayWhatTheGroupWasMadeFor) {
  Fixture f(Placement::contiguous(8, 2), {4, 3});
  const std::vector<std::int32_t> ids(64, -1);
  EXPECT_THAT(f.complaint(topk_of(ids, 5, 3)),
              testing::HasSubstr("n is 5: this group was made for 0 to 4"));
  EXPECT_THAT(f.complaint(topk_of(ids, -1, 3)), testing::HasSubstr("n is -1"));
  EXPECT_THAT(f.complaint(topk_of(ids, 4, 4)), testing::HasSubstr("k is 4"));
  EXPECT_THAT(f.complaint(topk_of(ids, 4, 0)), testing::HasSubstr("k is 0"));
  EXPECT_THAT(f.complaint(topk_of(ids, 4, 3, 2)), testing::HasSubstr("row_stride is 2"));
  auto topk = topk_of(ids, 4, 3);
  topk.type = tuttiFloat32;
  EXPECT_THAT(f.complaint(topk), testing::HasSubstr("int32 or int64"));
  EXPECT_THAT(f.complaint({.indices = nullptr, .row_stride = 3, .tokens = 1, .lanes = 3}),
              testing::HasSubstr("topk_idx is NULL"));
}

TEST(Routing, AFailedBuildLeavesTheLastTableAlone) {
  Fixture f(Placement::contiguous(8, 2), {4, 2});
  f.table.build(topk_of(std::vector<std::int32_t>{7, 0, 5, -1}, 2, 2));
  const auto before = f.memory;
  f.complaint(topk_of(std::vector<std::int32_t>{1, 2, 3, 3}, 2, 2));
  f.complaint(topk_of(std::vector<std::int32_t>{1, 2, 3, 99}, 2, 2));
  EXPECT_EQ(f.table.tokens(), 2);
  EXPECT_EQ(f.table.entries().size(), 3u);
  EXPECT_EQ(f.table.tokens_for(1), 2u);
  EXPECT_EQ(f.memory[0].bits, before[0].bits);
  f.table.build(
      topk_of(std::vector<std::int32_t>{1, 2, 3, 4}, 2, 2));  // the failed step left no trace
  EXPECT_EQ(f.table.entries_for(0).size(), 3u);
}

TEST(Routing, NoTokensNeedNoPointer) {
  Fixture f(Placement::contiguous(8, 3), {4, 2});
  f.table.build({.indices = nullptr, .row_stride = 0, .tokens = 0, .lanes = 2});
  EXPECT_TRUE(f.table.entries().empty());
  EXPECT_TRUE(f.table.entries_for(2).empty());
}

}  // namespace
}  // namespace tutti::moe
