// Sizes as nccl-tests means them, and small things that tutti-perf and the peers share.
#include "perf/common/sizes.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <utility>

#include "perf/common/report.hpp"
#include "perf/common/routing.hpp"
#include "perf/common/statistics.hpp"

namespace tutti::perf {
namespace {

TEST(PerfSizes, AreBytesWithASuffixInPowersOf1024) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("4K"), 4096U);
  EXPECT_EQ(parse_bytes("2m"), 2U << 20);
  EXPECT_EQ(parse_bytes("1G"), 1U << 30);
  for (const char* bad : {"", "K", "-1", "4KB", "1.5M", "99999999999999999999", "17179869184G"}) {
    EXPECT_THROW(parse_bytes(bad), std::invalid_argument) << bad;
  }
}

TEST(PerfSizes, ASweepMultipliesOrAddsUpToItsEnd) {
  EXPECT_EQ(sweep_sizes({.begin_bytes = 8, .end_bytes = 64}),
            (std::vector<std::size_t>{8, 16, 32, 64}));
  EXPECT_EQ(sweep_sizes({.begin_bytes = 10, .end_bytes = 31, .increment_bytes = 10}),
            (std::vector<std::size_t>{10, 20, 30}));
  EXPECT_EQ(sweep_sizes({.begin_bytes = 8, .end_bytes = 8}), std::vector<std::size_t>{8});
  EXPECT_EQ(sweep_sizes({.begin_bytes = 8, .end_bytes = 1024, .factor = 1.0}),
            std::vector<std::size_t>{8});
}

TEST(PerfSizes, MeanWhatNcclTestsMeans) {
  const Shape reduce = shape_of(Op::kAllReduce, 4096, 4, 4);
  EXPECT_EQ(reduce.count, 1024U);
  EXPECT_EQ(reduce.recv_elements, 1024U);
  EXPECT_DOUBLE_EQ(reduce.bus_factor, 1.5);
  const Shape exchange = shape_of(Op::kAllToAll, 4096, 4, 4);
  EXPECT_EQ(exchange.per_peer_bytes, 1024U);
  EXPECT_EQ(exchange.count, 256U);
  EXPECT_EQ(exchange.send_elements, 1024U);
  const Shape gather = shape_of(Op::kAllGather, 4096, 4, 4);
  EXPECT_EQ(gather.send_elements, 256U);
  EXPECT_EQ(gather.recv_elements, 1024U);
  const Shape scatter = shape_of(Op::kReduceScatter, 4096, 4, 4);
  EXPECT_EQ(scatter.send_elements, 1024U);
  EXPECT_EQ(scatter.recv_elements, 256U);
}

TEST(PerfSizes, RoundDownToWholeElementsPerPeer) {
  EXPECT_EQ(shape_of(Op::kAllToAll, 4099, 3, 4).bytes, 4092U);
  EXPECT_EQ(shape_of(Op::kAllReduce, 7, 3, 4).bytes, 4U);
}

TEST(PerfSizes, EveryOperationHasItsName) {
  for (const char* name : {"all_reduce", "broadcast", "reduce", "all_gather", "reduce_scatter",
                           "all_to_all", "all_to_allv", "all_gatherv", "reduce_scatterv", "gather",
                           "scatter", "sendrecv", "barrier", "moe"}) {
    EXPECT_EQ(op_name(parse_op(name)), name);
  }
  EXPECT_THROW(parse_op("allreduce"), std::invalid_argument);
}

TEST(PerfStatistics, TheNinetyNinthPercentileLeavesOneInAHundredOut) {
  std::vector<double> samples(200);
  std::iota(samples.begin(), samples.end(), 1.0);
  EXPECT_DOUBLE_EQ(summarize(samples, 1).p50, 100);
  EXPECT_DOUBLE_EQ(summarize(samples, 1).p99, 198);
}

TEST(PerfRouting, TheFirstRanksOwnOneExpertMoreWhereTheyDoNotDivide) {
  EXPECT_EQ(first_expert(0, 3, 8), 0);
  EXPECT_EQ(first_expert(1, 3, 8), 3);
  EXPECT_EQ(first_expert(2, 3, 8), 6);
  EXPECT_EQ(first_expert(3, 3, 8), 8);
}

TEST(PerfRouting, EveryExpertHasTheOwnerWhoseBlockItLiesIn) {
  for (const auto& [ranks, experts] : {std::pair{1, 5}, {3, 8}, {4, 8}, {5, 3}, {384, 1000}}) {
    for (int rank = 0; rank < ranks; ++rank) {
      const int end = first_expert(rank + 1, ranks, experts);
      for (int expert = first_expert(rank, ranks, experts); expert < end; ++expert) {
        EXPECT_EQ(owner_of_expert(expert, ranks, experts), rank) << expert << " of " << experts;
      }
    }
  }
}

TEST(PerfReport, AFileThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(write_json({}, "/nonexistent/folder/report.json"), std::runtime_error);
}

}  // namespace
}  // namespace tutti::perf
