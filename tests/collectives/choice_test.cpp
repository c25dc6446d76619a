// Names of algorithms, as TUTTI_ALGO takes them.
#include "collectives/choice.hpp"

#include <gtest/gtest.h>

namespace tutti::test {
namespace {

TEST(Choices, HaveNamesThatSayAllOfThem) {
  for (const AlgorithmChoice choice :
       {AlgorithmChoice{Algorithm::kLocal}, AlgorithmChoice{Algorithm::kLine},
        AlgorithmChoice{Algorithm::kTwoShot}, AlgorithmChoice{Algorithm::kRelay, 8},
        AlgorithmChoice{Algorithm::kOneShotPush, 1}, AlgorithmChoice{Algorithm::kTwoLevel, 4},
        AlgorithmChoice{Algorithm::kExchangePush, 384}}) {
    EXPECT_EQ(choice_named(name_of(choice)), choice) << name_of(choice);
  }
  EXPECT_STREQ(name_of({Algorithm::kTwoShotPush, 48}), "two_shot_push:48");
  EXPECT_STREQ(name_of({Algorithm::kTwoShotPush, 1}), "two_shot_push");
  // Users keep the pointer.
  EXPECT_EQ(name_of({Algorithm::kRelay, 4}), name_of({Algorithm::kRelay, 4}));
}

TEST(Choices, OfOtherNamesAreNone) {
  for (const char* name : {"", "magic", "relay:", "relay:x", "relay:0", "relay:-2", "relay:2x",
                           "relay:99999999999", "two_shot:2", ":2", "relays"}) {
    EXPECT_EQ(choice_named(name), std::nullopt) << name;
  }
  EXPECT_NE(choice_names().find("relay[:GROUP]"), std::string::npos);
  EXPECT_NE(choice_names().find("two_shot, "), std::string::npos);
}

}  // namespace
}  // namespace tutti::test
