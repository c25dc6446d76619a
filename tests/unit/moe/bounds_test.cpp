// Sizes of groups: capacities that are safe and reached, and arithmetic that saturates.
#include "moe/bounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "moe/return_map.hpp"

namespace tutti::moe {
namespace {

constexpr GroupSizes kSizes{
    .ranks = 4, .local_experts = 2, .limits = {.max_tokens = 10, .max_lanes = 8}};

TEST(Bounds, ATokenBringsAtMostOneRowPerLocalExpert) {
  EXPECT_EQ(max_entries(kSizes), 4u * 10 * 2);
  EXPECT_EQ(max_rows(kSizes, {tuttiMoeLayoutToken, tuttiMoeRowsPerRank, 1}), 40u);
  EXPECT_EQ(max_rows(kSizes, {tuttiMoeLayoutToken, tuttiMoeRowsPerLane, 1}), 80u);
  EXPECT_EQ(max_rows(kSizes, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 1}), 80u);
}

TEST(Bounds, ARankWithoutExpertsReceivesNothing) {
  GroupSizes sizes = kSizes;
  sizes.local_experts = 0;
  for (const auto kind : {tuttiMoeLayoutToken, tuttiMoeLayoutExpert}) {
    EXPECT_EQ(max_rows(sizes, {kind, tuttiMoeRowsPerRank, 128}), 0u);
  }
}

TEST(Bounds, PaddingIsCountedAndNeverBeyondFullGroups) {
  EXPECT_EQ(max_rows(kSizes, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 8}), 2u * 40);
  EXPECT_EQ(max_rows(kSizes, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 128}), 2u * 128);
  GroupSizes one_row{.ranks = 1, .local_experts = 100, .limits = {.max_tokens = 1, .max_lanes = 3}};
  EXPECT_EQ(max_rows(one_row, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 16}), 3u * 16);
}

// All ways to share out few entries among experts: the bound holds for each, and for align 1 it is
// met.
TEST(Bounds, NoDistributionOfRowsExceedsTheBound) {
  for (int tokens = 1; tokens <= 4; ++tokens) {
    for (int lanes = 1; lanes <= 3; ++lanes) {
      for (const std::uint32_t align : {1u, 2u, 3u, 8u}) {
        const GroupSizes sizes{.ranks = 1, .local_experts = 3, .limits = {tokens, lanes}};
        std::uint64_t most = 0;
        for (int a = 0; a <= tokens; ++a) {
          for (int b = 0; b <= tokens; ++b) {
            for (int c = 0; c <= tokens; ++c) {
              if (a + b + c > tokens * lanes) continue;
              std::uint64_t rows = 0;
              for (const int n : {a, b, c}) {
                rows += (static_cast<std::uint64_t>(n) + align - 1) / align * align;
              }
              most = std::max(most, rows);
            }
          }
        }
        const auto bound = max_rows(sizes, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, align});
        EXPECT_GE(bound, most);
        if (align == 1) {
          EXPECT_EQ(bound, most);
        }
      }
    }
  }
}

TEST(Bounds, TablesAndOutputsAddUp) {
  const TableBytes bytes = table_bytes(kSizes);
  EXPECT_EQ(bytes.entries, 80 * sizeof(Entry));
  EXPECT_EQ(bytes.weights, 80 * sizeof(float));
  EXPECT_EQ(bytes.rows, 80 * sizeof(std::uint32_t));
  EXPECT_EQ(bytes.heard, 80 * sizeof(Entry));
  EXPECT_EQ(bytes.places, 80 * sizeof(RowPlace));
  EXPECT_EQ(bytes.total(), bytes.entries + bytes.weights + bytes.rows + bytes.heard + bytes.places);
  EXPECT_EQ(output_bytes(kSizes, {tuttiMoeLayoutToken, tuttiMoeRowsPerRank, 1}, {100, 4}),
            40u * (100 + 4 + 8 * 8));
  EXPECT_EQ(output_bytes(kSizes, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 1}, {100, 4}),
            80u * (100 + 4 + 4));
}

TEST(Bounds, ImpossibleSizesSaturate) {
  const GroupSizes huge{.ranks = 1 << 30, .local_experts = 64, .limits = {1 << 30, 64}};
  EXPECT_EQ(
      output_bytes(huge, {tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 1}, {~std::size_t{0}, 1}),
      UINT64_MAX);
  EXPECT_EQ(max_entries(huge), UINT64_MAX);
}

}  // namespace
}  // namespace tutti::moe
