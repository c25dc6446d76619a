// A run for timing only touches no payload, and takes as long as the run that moves it.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <tutti/moe.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/sim/run_fixture.hpp"

namespace tutti::test {
namespace {

// Payload of a rank. Nobody may touch it in a run for timing only: there it cannot be.
class Payload {
 public:
  Payload(std::size_t bytes, bool untouchable) : bytes_(bytes), untouchable_(untouchable) {
    EXPECT_EQ(tuttiMemAlloc(&memory_, bytes), tuttiSuccess);
    if (untouchable) {
      EXPECT_EQ(mprotect(memory_, bytes, PROT_NONE), 0);
    } else {
      std::memset(memory_, 1, bytes);
    }
  }
  ~Payload() {
    if (untouchable_) {
      EXPECT_EQ(mprotect(memory_, bytes_, PROT_READ | PROT_WRITE), 0);
    }
    EXPECT_EQ(tuttiMemFree(memory_), tuttiSuccess);
  }
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;

  std::byte* at(std::size_t offset = 0) const { return static_cast<std::byte*>(memory_) + offset; }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_;
  bool untouchable_;
};

struct Place {
  int rank, ranks;
  tuttiComm_t comm;
  bool timing_only;
};
using Program = std::function<void(const Place&)>;

class TimingOnly : public SimRun {
 protected:
  tuttiSimResult_t run_as(bool timing_only, int ranks, const Program& program) {
    config.flags = timing_only ? TUTTI_SIM_TIMING_ONLY : 0;
    EXPECT_EQ(run(ranks,
                  [&](int rank, int nranks, const tuttiUniqueId& id) {
                    tuttiComm_t comm = nullptr;
                    const tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
                    if (code != tuttiSuccess) return code;
                    program({rank, nranks, comm, timing_only});
                    return tuttiCommDestroy(comm);
                  }),
              tuttiSuccess)
        << sentence();
    return result;
  }

  void expect_same_times(int ranks, const Program& program) {
    const tuttiSimResult_t moved = run_as(false, ranks, program);
    const tuttiSimResult_t timed = run_as(true, ranks, program);
    EXPECT_EQ(timed.arrivals_digest, moved.arrivals_digest);
    EXPECT_EQ(timed.end_ps, moved.end_ps);
    EXPECT_EQ(timed.bound_ps, moved.bound_ps);
    EXPECT_EQ(timed.transfers, moved.transfers);
    EXPECT_EQ(timed.bytes, moved.bytes);
    EXPECT_NE(moved.payload_digest, 0U);
    EXPECT_EQ(timed.payload_digest, 0U);
  }
};

// Sizes of rows that go in a line, through staging, in place, and in several steps.
constexpr std::size_t kCounts[] = {1, 9, 300, 5000, 300000};

void collectives(const Place& p) {
  const auto ranks = static_cast<std::size_t>(p.ranks);
  const std::size_t most = kCounts[std::size(kCounts) - 1] * sizeof(float);
  const Payload send(most * ranks, p.timing_only);
  const Payload recv(most * ranks, p.timing_only);
  const auto ok = [](tuttiResult_t code) { EXPECT_EQ(code, tuttiSuccess); };
  for (const std::size_t n : kCounts) {
    const std::byte* const s = send.at();
    std::byte* const r = recv.at();
    ok(tuttiAllReduce(s, r, n, tuttiFloat32, tuttiSum, p.comm, nullptr));
    ok(tuttiAllReduce(r, r, n, tuttiFloat32, tuttiMax, p.comm, nullptr));
    ok(tuttiBroadcast(s, r, n, tuttiFloat32, p.ranks - 1, p.comm, nullptr));
    ok(tuttiReduce(s, r, n, tuttiFloat32, tuttiSum, p.ranks - 1, p.comm, nullptr));
    ok(tuttiAllGather(s, r, n, tuttiFloat32, p.comm, nullptr));
    ok(tuttiReduceScatter(s, r, n, tuttiFloat32, tuttiSum, p.comm, nullptr));
    ok(tuttiAlltoAll(s, r, n, tuttiFloat32, p.comm, nullptr));
    ok(tuttiAlltoAll(r, r, n, tuttiFloat32, p.comm, nullptr));
    ok(tuttiGather(s, r, n, tuttiFloat32, 0, p.comm, nullptr));
    ok(tuttiScatter(s, r, n, tuttiFloat32, 0, p.comm, nullptr));
    ok(tuttiGroupStart());
    ok(tuttiSend(s, n, tuttiFloat32, (p.rank + 1) % p.ranks, p.comm, nullptr));
    ok(tuttiRecv(r, n, tuttiFloat32, (p.rank + p.ranks - 1) % p.ranks, p.comm, nullptr));
    ok(tuttiGroupEnd());
  }
}

TEST_F(TimingOnly, CollectivesTakeTheirTimeAndTouchNothing) {
  for (const int ranks : {1, 2, 5}) {
    SCOPED_TRACE(ranks);
    expect_same_times(ranks, collectives);
  }
}

TEST_F(TimingOnly, SoftwareThatCostsIsCharged) {
  config.fabric = "cloudmatrix384";
  config.rank_per = "die";
  expect_same_times(6, collectives);
}

TEST_F(TimingOnly, WindowsAndBuffersAreRegisteredAsEver) {
  expect_same_times(3, [](const Place& p) {
    const Payload memory(1 << 20, p.timing_only);
    tuttiWindow_t window = nullptr;
    ASSERT_EQ(
        tuttiCommWindowRegister(p.comm, memory.at(), 1 << 20, &window, TUTTI_WIN_COLL_SYMMETRIC),
        tuttiSuccess);
    EXPECT_EQ(tuttiMemFree(memory.at()), tuttiInvalidUsage) << "the window holds it";
    EXPECT_EQ(tuttiMemFree(memory.at(64)), tuttiInvalidArgument);
    EXPECT_EQ(tuttiAllReduce(memory.at(), memory.at(1 << 19), 1 << 17, tuttiFloat32, tuttiSum,
                             p.comm, nullptr),
              tuttiSuccess);
    EXPECT_EQ(tuttiCommWindowDeregister(p.comm, window), tuttiSuccess);
  });
}

struct MoeShape {
  tuttiMoeLayout_t layout;
  tuttiMoeRowsPer_t rows_per;
  std::size_t side_bytes;
};

// Two steps: routing, weights and counts are real, rows are not.
void moe_steps(const Place& p, const MoeShape& shape) {
  constexpr int kTokens = 7, kTopK = 3, kExperts = 11;
  constexpr std::size_t kHidden = 160, kRow = kHidden * sizeof(float);
  tuttiMoeConfig_t config = TUTTI_MOE_CONFIG_INITIALIZER;
  config.num_experts = kExperts;
  config.max_tokens_per_rank = kTokens;
  config.max_topk = kTopK;
  config.max_row_bytes = kRow;
  config.max_side_bytes = shape.side_bytes;
  config.rows_per = shape.rows_per;
  tuttiMoeGroup_t group = nullptr;
  tuttiMoePlan_t plan = nullptr;
  ASSERT_EQ(tuttiMoeGroupCreate(p.comm, &config, &group), tuttiSuccess);
  ASSERT_EQ(tuttiMoePlanCreate(group, &plan), tuttiSuccess);
  const bool expert = shape.layout == tuttiMoeLayoutExpert;
  {
    const Payload rows(kTokens * kRow, p.timing_only);
    const Payload side(std::size_t{kTokens} * 64, p.timing_only);
    const Payload sums(kTokens * kRow, p.timing_only);
    for (int step = 0; step < 2; ++step) {
      std::vector<std::int32_t> ids;
      std::vector<float> weights;
      for (int i = 0; i < kTokens * kTopK; ++i) {
        const int token = i / kTopK, lane = i % kTopK;
        ids.push_back((token * 5 + lane * 3 + p.rank * 7 + step) % kExperts);
        weights.push_back(static_cast<float>(1 + lane + p.rank));
      }
      ASSERT_EQ(tuttiMoePlanUpdate(plan, ids.data(), tuttiInt32, kTopK, kTokens, kTopK),
                tuttiSuccess);
      tuttiMoeDispatchArgs_t dispatch = TUTTI_MOE_DISPATCH_ARGS_INITIALIZER;
      dispatch.rows = rows.at();
      dispatch.row_bytes = kRow;
      dispatch.side = shape.side_bytes != 0 ? side.at() : nullptr;
      dispatch.side_bytes = shape.side_bytes;
      dispatch.topk_weights = weights.data();
      dispatch.layout = shape.layout;
      dispatch.align = expert ? 4 : 0;
      dispatch.flags = expert ? TUTTI_MOE_ZERO_PADDING : 0;
      tuttiMoeOutput_t output = TUTTI_MOE_OUTPUT_INITIALIZER;
      ASSERT_EQ(tuttiMoeDispatch(plan, &dispatch, &output, nullptr), tuttiSuccess);
      ASSERT_GT(output.num_rows, 0U);
      float heaviest = 0;
      for (std::size_t i = 0; i < output.num_rows * (expert ? 1 : kTopK); ++i) {
        heaviest = std::max(heaviest, output.weights[i]);
      }
      EXPECT_GE(heaviest, 1.0F) << "weights are real";
      tuttiMoeCombineArgs_t combine = TUTTI_MOE_COMBINE_ARGS_INITIALIZER;
      combine.rows = output.rows;
      combine.hidden = kHidden;
      combine.type = tuttiFloat32;
      combine.reduction = expert ? tuttiMoeSourceOnly : tuttiMoeRankOrder;
      ASSERT_EQ(tuttiMoeCombine(plan, &combine, sums.at(), nullptr), tuttiSuccess);
    }
  }
  EXPECT_EQ(tuttiMoePlanDestroy(plan), tuttiSuccess);
  EXPECT_EQ(tuttiMoeGroupDestroy(group), tuttiSuccess);
}

TEST_F(TimingOnly, DispatchAndCombineTakeTheirTime) {
  config.fabric = "cloudmatrix384";
  config.rank_per = "die";
  for (const MoeShape& shape : {MoeShape{tuttiMoeLayoutToken, tuttiMoeRowsPerRank, 0},
                                MoeShape{tuttiMoeLayoutToken, tuttiMoeRowsPerLane, 64},
                                MoeShape{tuttiMoeLayoutExpert, tuttiMoeRowsPerRank, 64}}) {
    SCOPED_TRACE(static_cast<int>(shape.layout));
    expect_same_times(4, [&](const Place& p) { moe_steps(p, shape); });
  }
}

// A terabyte for each of 64 ranks.
TEST_F(TimingOnly, PayloadMayBeLargerThanAnyMachine) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t kBytes = std::size_t{1} << 28;
#else
  constexpr std::size_t kBytes = std::size_t{1} << 36;
#endif
  const tuttiSimResult_t timed = run_as(true, 64, [&](const Place& p) {
    const Payload memory(2 * kBytes, true);
    EXPECT_EQ(
        tuttiAllGather(memory.at(), memory.at(kBytes), kBytes / 64, tuttiInt8, p.comm, nullptr),
        tuttiSuccess);
  });
  EXPECT_GE(timed.bytes, 63 * kBytes);
}

// Other memory than payload keeps its contents, and travels.
TEST_F(TimingOnly, OrdinaryMemoryIsReal) {
  run_as(true, 5, [](const Place& p) {
    const std::vector<int> mine(3000, p.rank);
    std::vector<int> all(mine.size() * 5);
    EXPECT_EQ(tuttiAllGather(mine.data(), all.data(), mine.size(), tuttiInt32, p.comm, nullptr),
              tuttiSuccess);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], static_cast<int>(i / 3000));
    int sum = 0;
    EXPECT_EQ(tuttiAllReduce(&p.rank, &sum, 1, tuttiInt32, tuttiSum, p.comm, nullptr),
              tuttiSuccess);
    EXPECT_EQ(sum, 10);
    std::vector<int> sums(mine.size());
    EXPECT_EQ(tuttiAllReduce(mine.data(), sums.data(), mine.size(), tuttiInt32, tuttiSum, p.comm,
                             nullptr),
              tuttiSuccess);
    EXPECT_EQ(sums.back(), 10);
  });
}

// Who writes there has memory there: a program that fills its buffers runs as it is.
TEST_F(TimingOnly, WhatARankWritesItselfStays) {
  run_as(true, 2, [](const Place& p) {
    const Payload memory(1 << 16, false);
    EXPECT_EQ(
        tuttiAllReduce(memory.at(), memory.at(), 1 << 16, tuttiInt8, tuttiSum, p.comm, nullptr),
        tuttiSuccess);
    EXPECT_EQ(memory.at()[77], std::byte{1});
  });
}

}  // namespace
}  // namespace tutti::test
