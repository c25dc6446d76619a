// Which rank owns which expert.
#include "moe/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tutti/error.hpp>

namespace tutti::moe {
namespace {

std::string complaint_of(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(Placement, ContiguousGivesTheFirstRanksOneMore) {
  const auto placement = Placement::contiguous(11, 4);
  EXPECT_THAT(placement.experts_of(0), testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(placement.experts_of(1), testing::ElementsAre(3, 4, 5));
  EXPECT_THAT(placement.experts_of(2), testing::ElementsAre(6, 7, 8));
  EXPECT_THAT(placement.experts_of(3), testing::ElementsAre(9, 10));
  EXPECT_EQ(placement.largest_count(), 3);
}

TEST(Placement, FewerExpertsThanRanksLeavesTheLastRanksEmpty) {
  const auto placement = Placement::contiguous(2, 5);
  EXPECT_EQ(placement.count_of(1), 1);
  EXPECT_EQ(placement.count_of(2), 0);
  EXPECT_EQ(placement.count_of(4), 0);
}

TEST(Placement, GivenOwnersNumberTheirExpertsInAscendingOrder) {
  const int owners[] = {2, 0, 2, 0, 2};
  const auto placement = Placement::from_owners(owners, 3);
  EXPECT_THAT(placement.experts_of(0), testing::ElementsAre(1, 3));
  EXPECT_THAT(placement.experts_of(1), testing::IsEmpty());
  EXPECT_THAT(placement.experts_of(2), testing::ElementsAre(0, 2, 4));
  for (int expert = 0; expert < 5; ++expert) {
    EXPECT_EQ(placement.experts_of(
                  placement.owner(expert))[static_cast<std::size_t>(placement.local_index(expert))],
              expert);
  }
}

TEST(Placement, EveryExpertHasExactlyOnePlace) {
  for (int experts = 1; experts <= 40; ++experts) {
    for (int ranks = 1; ranks <= 24; ++ranks) {
      const auto placement = Placement::contiguous(experts, ranks);
      int next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        for (const int expert : placement.experts_of(rank)) {
          ASSERT_EQ(expert, next++);
          ASSERT_EQ(placement.owner(expert), rank);
        }
        ASSERT_LE(placement.count_of(0) - placement.count_of(rank), 1);
      }
      ASSERT_EQ(next, experts);
    }
  }
}

TEST(Placement, SaysWhichExpertHasNoRank) {
  const int owners[] = {0, 1, 3};
  EXPECT_EQ(complaint_of([&] { Placement::from_owners(owners, 3); }),
            "expert_to_rank[2] is 3: there are ranks 0 to 2");
  const int negative[] = {-1};
  EXPECT_THAT(complaint_of([&] { Placement::from_owners(negative, 3); }),
              testing::HasSubstr("expert_to_rank[0] is -1"));
}

TEST(Placement, RefusesSizesThatCannotBe) {
  EXPECT_THAT(complaint_of([] { Placement::contiguous(0, 2); }),
              testing::HasSubstr("num_experts is 0"));
  EXPECT_THAT(complaint_of([] { Placement::contiguous(kMaxExperts + 1, 2); }),
              testing::HasSubstr("num_experts"));
  EXPECT_THAT(complaint_of([] { Placement::contiguous(4, 0); }), testing::HasSubstr("0 ranks"));
}

}  // namespace
}  // namespace tutti::moe
