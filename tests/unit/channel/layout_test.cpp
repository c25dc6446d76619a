#include "channel/layout.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <set>

namespace tutti {

namespace {

const unsigned kRankCounts[] = {1, 2, 3, 8, 9, 64, 65, 384, 1024};
const Round kBothRounds[] = {Round::kFirst, Round::kLast};

// Everything that a layout gives out in its leading part, in bytes.
class Places {
 public:
  explicit Places(const ControlLayout& layout) : layout_(layout) {
    take(ControlLayout::kOwnBell);
    take(ControlLayout::kSharedBell);
  }
  void take_line(LineId line) { take(std::size_t{line} * ControlLayout::kLine); }
  void take(std::size_t offset) {
    EXPECT_EQ(offset % ControlLayout::kLine, 0U);
    EXPECT_LE(offset + ControlLayout::kLine, layout_.line_bytes());
    EXPECT_TRUE(seen_.insert(offset).second) << "offset " << offset << " is given out twice";
  }
  std::size_t last() const { return *seen_.rbegin() + ControlLayout::kLine; }
  std::size_t bytes() const { return seen_.size() * ControlLayout::kLine; }

 private:
  ControlLayout layout_;
  std::set<std::size_t> seen_;
};

}  // namespace

TEST(ControlLayout, NoTwoLinesOverlap) {
  for (unsigned number = 0; number < 4 * std::size(kRankCounts); ++number) {
    const unsigned ranks = kRankCounts[number / 4];
    const bool sparse = number % 2 == 1;
    const bool concurrent = number / 2 % 2 == 1;
    SCOPED_TRACE(testing::Message() << ranks << " ranks" << (sparse ? ", sparse" : "")
                                    << (concurrent ? ", concurrent" : ""));
    const ControlLayout layout = control_layout({ranks, sparse, concurrent});
    Places places(layout);
    for (Rank rank = 0; rank < static_cast<Rank>(ranks); ++rank) {
      places.take_line(layout.setup_line(rank));
      places.take_line(layout.credit_line(rank));
      for (unsigned slot = 0; slot < kPairDepth; ++slot) {
        for (const PairLine mark :
             {PairLine::kEntry, PairLine::kReady, PairLine::kWanted, PairLine::kTaken}) {
          places.take_line(layout.pair_line(slot, mark, rank));
        }
      }
      for (unsigned slot = 0; slot < layout.depth; ++slot) {
        for (const Phase phase : {Phase::kEntry, Phase::kReady, Phase::kTaken, Phase::kDone}) {
          places.take_line(layout.operation_line(slot, phase, rank));
        }
      }
    }
    for (unsigned slot = 0; slot < layout.depth; ++slot) {
      for (Rank rank = 0; rank < static_cast<Rank>(ranks); ++rank) {
        for (const Round round : kBothRounds) {
          places.take_line(layout.arrival_line(slot, round, rank));
        }
      }
      for (const Round round : kBothRounds) {
        places.take_line(layout.result_line(slot, round));
        places.take(layout.counter_offset(slot, round));
      }
    }
    for (const std::size_t board : {layout.board_offset(), layout.reasons_offset()}) {
      for (std::size_t at = 0; at < ControlLayout::kBoardBytes; at += ControlLayout::kLine) {
        places.take(board + at);
      }
    }
    EXPECT_LT(places.last() - places.bytes(), ControlLayout::kPage) << "there are holes";
  }
}

TEST(ControlLayout, StagingFollowsInPagesOfItsOwn) {
  for (const unsigned ranks : kRankCounts) {
    const ControlLayout layout = control_layout({.ranks = ranks});
    std::size_t end = layout.line_bytes();
    const auto follows = [&end](std::size_t offset, std::size_t bytes) {
      EXPECT_GE(offset, end);
      end = offset + bytes;
    };
    for (unsigned slot = 0; slot < layout.depth; ++slot) {
      EXPECT_EQ(layout.slot_offset(slot) % ControlLayout::kPage, 0U);
      follows(layout.slot_offset(slot), layout.slot_bytes);
    }
    follows(layout.pair_stage_offset(), layout.pair_stage_bytes);
    EXPECT_LE(end, layout.bytes());
    EXPECT_EQ(layout.bytes() % ControlLayout::kPage, 0U);
  }
}

TEST(ControlLayout, TheFrontHoldsWhatEveryoneTouchesAndNothingElse) {
  for (const unsigned ranks : kRankCounts) {
    const ControlLayout layout = control_layout({.ranks = ranks});
    const std::size_t end = layout.front_bytes();
    EXPECT_EQ(end % ControlLayout::kPage, 0U);
    EXPECT_LE(layout.reasons_offset() + ControlLayout::kBoardBytes, end);
    EXPECT_LT(ControlLayout::kLine * layout.setup_line(static_cast<Rank>(ranks) - 1), end);
    EXPECT_EQ(ControlLayout::kLine * layout.credit_line(0), end);
  }
}

TEST(ControlLayout, WhatIsReadOrWrittenTogetherLiesTogether) {
  for (const unsigned ranks : kRankCounts) {
    const ControlLayout layout = control_layout({.ranks = ranks});
    const auto last = static_cast<Rank>(ranks) - 1;
    const auto bytes = [](LineId from, LineId to) {
      return (to - from + 1) * ControlLayout::kLine;
    };
    EXPECT_LE(
        bytes(layout.credit_line(0), layout.operation_line(layout.depth - 1, Phase::kDone, 0)),
        2 * ControlLayout::kPage);
    EXPECT_EQ(
        bytes(layout.arrival_line(1, Round::kLast, 0), layout.arrival_line(1, Round::kLast, last)),
        ranks * ControlLayout::kLine);
    const ControlLayout sparse = control_layout({.ranks = ranks, .sparse = true});
    EXPECT_EQ(bytes(sparse.operation_line(1, Phase::kDone, 0),
                    sparse.operation_line(1, Phase::kDone, last)),
              ranks * ControlLayout::kLine);
    EXPECT_EQ(bytes(sparse.pair_line(1, PairLine::kTaken, 0),
                    sparse.pair_line(1, PairLine::kTaken, last)),
              ranks * ControlLayout::kLine);
  }
}

TEST(ControlLayout, DepthIsAPowerOfTwoThatStepsAndSweepsNeed) {
  for (const unsigned ranks : kRankCounts) {
    for (const bool sparse : {false, true}) {
      for (const bool concurrent : {false, true}) {
        const unsigned depth = control_layout({ranks, sparse, concurrent}).depth;
        EXPECT_EQ(depth & (depth - 1), 0U);
        EXPECT_GE(depth, sparse && concurrent ? 16U : 8U);
      }
    }
  }
}

TEST(ControlLayout, ManyRanksStayBounded) {
  EXPECT_LE(control_layout({.ranks = 384}).bytes(), std::size_t{2} << 20);
  EXPECT_LE(control_layout({.ranks = 384, .sparse = true}).bytes(), std::size_t{4} << 20);
  EXPECT_LE(control_layout({.ranks = 384, .sparse = true, .concurrent = true}).bytes(),
            std::size_t{7} << 20);
}

TEST(ControlLayout, SparseSegmentsHaveRoomForABlockOfEveryRank) {
  EXPECT_GE(control_layout({.ranks = 384, .sparse = true}).slot_bytes / 384, 512u);
  EXPECT_EQ(control_layout({.ranks = 384, .sparse = true}).line_bytes(),
            control_layout({.ranks = 384}).line_bytes());
}

// Three buffers, in whole lines, of an element from each rank and one that comes out
// (two_shot_staged.cpp).
TEST(ControlLayout, ASlotHoldsThreeElementsOfEveryRank) {
  for (unsigned ranks = 1; ranks <= 4096; ++ranks) {
    for (const bool sparse : {false, true}) {
      const std::size_t slot = control_layout({.ranks = ranks, .sparse = sparse}).slot_bytes;
      const std::size_t buffer = slot / 3 & ~std::size_t{63};
      ASSERT_GE(buffer / (ranks + 1), sizeof(double)) << ranks << " ranks";
    }
  }
}

static_assert(alignof(Line) == 64 && sizeof(Line) == 64);
static_assert(alignof(Doorbell) == 64 && sizeof(Doorbell) == 64);
static_assert(alignof(LineContent) == 16 && sizeof(LineContent) == 64);
static_assert(ControlLayout::kSharedBell == ControlLayout::kOwnBell + sizeof(Doorbell));
static_assert(ControlLayout{}.setup_line(0) * sizeof(Line) == 2 * sizeof(Doorbell));

}  // namespace tutti
