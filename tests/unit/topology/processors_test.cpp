#include "topology/processors.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <vector>

namespace tutti {
namespace {

ProcessorSet set_of(std::string_view list) { return parse_processors(list).value(); }

TEST(Processors, ListsOfTheKernel) {
  EXPECT_EQ(set_of("0").count(), 1U);
  EXPECT_EQ(set_of("0-3").count(), 4U);
  const ProcessorSet set = set_of("0-3,8,10-11");
  EXPECT_EQ(set.count(), 7U);
  EXPECT_TRUE(set[8]);
  EXPECT_FALSE(set[9]);
  EXPECT_EQ(set_of("1020-5000").count(), kMostProcessors - 1020);
  for (const char* wrong : {"", "x", "3-1", "1,", "1-", "1;2", "-1", "99999999999"}) {
    EXPECT_FALSE(parse_processors(wrong).has_value()) << wrong;
  }
}

TEST(Processors, AThreadBoundToOneHasOne) {
  const ProcessorSet before = processor_share().allowed;
  ASSERT_TRUE(before.any());
  std::size_t last = 0;
  for (std::size_t cpu = 0; cpu < before.size(); ++cpu) last = before[cpu] ? cpu : last;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(processor_share().allowed, ProcessorSet().set(last));
  }).join();
  EXPECT_EQ(processor_share().allowed, before);
}

TEST(Processors, RanksRunTogetherOnAllThatAnyMayUse) {
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{set_of("0-3")}, {set_of("0-3")}}), 4);
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{set_of("0-1")}, {set_of("1,5")}}), 3);
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{ProcessorSet()}}), 1);
}

TEST(Processors, AQuotaOfTimeCountsLikeFewerProcessors) {
  const ProcessorSet many = set_of("0-63");
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{many, 4.0}, {many, 4.0}}), 4);
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{many, 2.5}, {many, 2.5}}), 2);
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{many, 0.5}}), 1);
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{set_of("0"), 8.0}}), 1);
  // One rank is not limited: so are not all.
  EXPECT_EQ(processors_together(std::vector<ProcessorShare>{{many, 4.0}, {many}}), 64);
}

}  // namespace
}  // namespace tutti
