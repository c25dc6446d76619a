#include "channel/sequence.hpp"

#include <gtest/gtest.h>

namespace tutti {

TEST(Sequence, LaterOperationsAndStepsReachEarlierOnes) {
  EXPECT_TRUE(reached(line_value(5), line_value(5)));
  EXPECT_TRUE(reached(line_value(5, 3), line_value(5, 2)));
  EXPECT_FALSE(reached(line_value(5, 2), line_value(5, 3)));
  EXPECT_TRUE(reached(line_value(21), line_value(5, 100)));
  EXPECT_FALSE(reached(line_value(5, 100), line_value(21)));
}

TEST(Sequence, AZeroedLineHasReachedNothing) {
  EXPECT_FALSE(reached(0, line_value(1)));
  EXPECT_FALSE(reached(0, line_value(16)));
}

TEST(Sequence, ComparisonsHoldWhereValuesWrap) {
  const Sequence wrap = Sequence{1} << 48;  // the value is zero again
  EXPECT_EQ(line_value(wrap), 0U);
  EXPECT_TRUE(reached(line_value(wrap), line_value(wrap - 1)));
  EXPECT_FALSE(reached(line_value(wrap - 1), line_value(wrap)));
  EXPECT_TRUE(reached(line_value(wrap + 3, 1), line_value(wrap - 16, 70'000)));
  EXPECT_FALSE(reached(line_value(wrap - 16, 70'000), line_value(wrap + 3, 1)));
}

TEST(Sequence, StepsBeyondTwoToTheSixteenStayBelowTheSlotsNextOperation) {
  EXPECT_FALSE(reached(line_value(5, 500'000), line_value(5 + 8)));
  EXPECT_TRUE(reached(line_value(5, 70'000), line_value(5, 69'999)));
}

TEST(Sequence, LowBitsExtendToTheNewestThatFits) {
  for (const Sequence newest : {Sequence{0}, Sequence{100}, Sequence{0xFFFF}, Sequence{0x10000},
                                Sequence{0x10005}, (Sequence{1} << 48) + 7, ~Sequence{0}}) {
    for (const Sequence age : {0U, 1U, 7U, 16U, 0xFFFFU}) {
      const Sequence wanted = newest - age;
      EXPECT_EQ(extend_sequence(static_cast<std::uint16_t>(wanted), newest), wanted);
    }
  }
}

}  // namespace tutti
