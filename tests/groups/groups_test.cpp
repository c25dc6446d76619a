// Groups without streams: several ranks held by one thread, nesting, errors while queueing.
#include <cstdint>

#include "tests/support/thread_world.hpp"

namespace {

using tutti::test::expect_ok;
using tutti::test::ThreadWorld;

void group(const std::function<void()>& calls) {
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  calls();
  EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess) << tuttiGetLastError(nullptr);
}

using Data = std::vector<std::vector<std::int32_t>>;
// rows[r][i] = 1000 * (r + 1) + i
Data filled(int ranks, std::size_t count) {
  Data rows(static_cast<std::size_t>(ranks), std::vector<std::int32_t>(count));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < count; ++i) {
      rows[r][i] = static_cast<std::int32_t>(1000 * (r + 1) + i);
    }
  }
  return rows;
}

class OneThread : public testing::TestWithParam<int> {
 protected:
  int ranks() const { return GetParam(); }
  std::size_t n() const { return static_cast<std::size_t>(ranks()); }
  // One call for each rank, in one group of this thread.
  void for_each_rank(const std::function<void(std::size_t r, tuttiComm_t comm)>& call) {
    group([&] {
      for (int r = 0; r < ranks(); ++r) call(static_cast<std::size_t>(r), world_[r]);
    });
  }

 private:
  ThreadWorld world_{GetParam()};
};

TEST_P(OneThread, HoldsAllRanksOfAnAllReduce) {
  for (const std::size_t count : {1u, 100u, 5000u}) {
    Data in = filled(ranks(), count), out = in;
    for_each_rank([&](std::size_t r, tuttiComm_t comm) {
      expect_ok(
          tuttiAllReduce(in[r].data(), out[r].data(), count, tuttiInt32, tuttiMax, comm, nullptr),
          comm);
    });
    for (std::size_t r = 0; r < n(); ++r) EXPECT_EQ(out[r], in[n() - 1]);
  }
}

TEST_P(OneThread, HoldsAllRanksOfEveryOtherCollective) {
  constexpr std::size_t kCount = 50;
  const std::size_t all = kCount * n();
  const Data in = filled(ranks(), all);
  Data broadcast = in, reduced(n(), std::vector<std::int32_t>(all));
  Data gathered(n(), std::vector<std::int32_t>(all)), swapped = gathered, scattered = gathered,
                                                      collected = gathered;
  const int last = ranks() - 1;
  for_each_rank([&](std::size_t r, tuttiComm_t comm) {
    expect_ok(
        tuttiBroadcast(in[r].data(), broadcast[r].data(), all, tuttiInt32, last, comm, nullptr),
        comm);
    expect_ok(
        tuttiReduce(in[r].data(), reduced[r].data(), all, tuttiInt32, tuttiMin, 0, comm, nullptr),
        comm);
    expect_ok(tuttiBarrier(comm, nullptr), comm);
    expect_ok(tuttiAllGather(in[r].data(), gathered[r].data(), kCount, tuttiInt32, comm, nullptr),
              comm);
    expect_ok(tuttiAlltoAll(in[r].data(), swapped[r].data(), kCount, tuttiInt32, comm, nullptr),
              comm);
    expect_ok(tuttiReduceScatter(in[r].data(), scattered[r].data(), kCount, tuttiInt32, tuttiMax,
                                 comm, nullptr),
              comm);
    expect_ok(
        tuttiGather(in[r].data(), collected[r].data(), kCount, tuttiInt32, last, comm, nullptr),
        comm);
  });
  EXPECT_EQ(reduced[0], in[0]);
  for (std::size_t r = 0; r < n(); ++r) {
    EXPECT_EQ(broadcast[r], in[n() - 1]);
    for (std::size_t p = 0; p < n(); ++p) {
      const std::size_t at = p * kCount + 7;
      EXPECT_EQ(gathered[r][at], in[p][7]);
      EXPECT_EQ(swapped[r][at], in[p][r * kCount + 7]);
      EXPECT_EQ(collected[n() - 1][at], in[p][7]);
    }
    EXPECT_EQ(scattered[r][7], in[n() - 1][r * kCount + 7]);
  }
}

TEST_P(OneThread, MayQueueMoreOperationsThanAChannelHasSlots) {
  constexpr int kCalls = 100;
  Data data(n(), std::vector<std::int32_t>(kCalls, 1));
  for_each_rank([&](std::size_t r, tuttiComm_t comm) {
    for (auto& item : data[r]) {
      expect_ok(tuttiAllReduce(&item, &item, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
    }
  });
  for (const auto& row : data) EXPECT_EQ(row, std::vector<std::int32_t>(kCalls, ranks()));
}

INSTANTIATE_TEST_SUITE_P(Groups, OneThread, testing::Values(1, 2, 3, 4, 7, 8));

TEST(Groups, OperationsOfOneCommunicatorRunInTheOrderOfTheirCalls) {
  ThreadWorld world(2);
  world.run([](int, tuttiComm_t comm) {
    std::int64_t value = 1;
    group([&] {
      for (int i = 0; i < 10; ++i) {
        expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt64, tuttiSum, comm, nullptr), comm);
      }
      EXPECT_EQ(value, 1);
    });
    EXPECT_EQ(value, 1 << 10);
  });
}

TEST(Groups, CommunicatorsInDifferentOrdersDoNotWaitForEachOther) {
  ThreadWorld one(2), other(2);
  tutti::test::on_ranks(2, [&](int rank) {
    for (int round = 0; round < 50; ++round) {
      std::int32_t a = rank, b = 10 * rank;
      const auto reduce = [&](ThreadWorld& world, std::int32_t& value) {
        expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiMax, world[rank], nullptr),
                  world[rank]);
      };
      group([&] {
        if (rank == 0) reduce(one, a);
        reduce(other, b);
        if (rank == 1) reduce(one, a);
      });
      EXPECT_EQ(a, 1);
      EXPECT_EQ(b, 10);
    }
  });
}

TEST(Groups, OnlyTheOutermostEndRunsWhatIsQueued) {
  ThreadWorld world(1);
  std::int32_t in = 5, out = 0;
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  expect_ok(tuttiAllReduce(&in, &out, 1, tuttiInt32, tuttiSum, world[0], nullptr), world[0]);
  EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess);
  EXPECT_EQ(out, 0);
  EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess);
  EXPECT_EQ(out, 5);
}

TEST(Groups, AnEmptyGroupIsFineAndAnEndWithoutAStartIsNot) {
  group([] {});
  EXPECT_EQ(tuttiGroupEnd(), tuttiInvalidUsage);
}

TEST(Groups, AnErrorWhileQueueingComesAgainFromTheEndAndNothingIsSent) {
  ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    std::int32_t value = 1;
    ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
    expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
    EXPECT_EQ(tuttiBroadcast(&value, &value, 1, tuttiInt32, 17, comm, nullptr),
              tuttiInvalidArgument);
    EXPECT_EQ(tuttiSend(&value, 1, tuttiInt32, -1, comm, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, nullptr, nullptr),
              tuttiInvalidArgument);
    EXPECT_EQ(tuttiGroupEnd(), tuttiInvalidArgument);
    const std::string text = tuttiGetLastError(nullptr);
    EXPECT_NE(text.find("root is 17"), std::string::npos) << text;
    EXPECT_EQ(value, 1);
    // The communicator is as good as before.
    value = rank;
    expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
    EXPECT_EQ(value, 1);
  });
}

TEST(Groups, ArraysMayChangeBeforeTheEnd) {
  ThreadWorld world(2);
  world.run([](int rank, tuttiComm_t comm) {
    std::vector<std::size_t> counts{1, 2}, displs{0, 1};
    std::vector<std::int32_t> mine(static_cast<std::size_t>(rank) + 1, rank), all(3, -1);
    group([&] {
      expect_ok(tuttiAllGatherv(mine.data(), mine.size(), all.data(), counts.data(), displs.data(),
                                tuttiInt32, comm, nullptr),
                comm);
      counts = {1u << 30, 1u << 30};
      displs = counts;
    });
    EXPECT_EQ(all, (std::vector<std::int32_t>{0, 1, 1}));
  });
}

TEST(Groups, EndReturnsTheFirstErrorOfWhatRan) {
  ThreadWorld world(2), other(2);
  std::int32_t values[2] = {1, 1}, fine[2] = {1, 1};
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  for (int r = 0; r < 2; ++r) {
    expect_ok(tuttiAllReduce(&fine[r], &fine[r], 1, tuttiInt32, tuttiSum, other[r], nullptr),
              other[r]);
    expect_ok(tuttiAllReduce(&values[r], &values[r], 1, tuttiInt32, r == 0 ? tuttiSum : tuttiProd,
                             world[r], nullptr),
              world[r]);
  }
  EXPECT_EQ(tuttiGroupEnd(), tuttiMismatch);
  for (int r = 0; r < 2; ++r) {
    EXPECT_EQ(fine[r], 2);
    EXPECT_NE(std::string(tuttiGetLastError(world[r])).find("AllReduce"), std::string::npos);
    EXPECT_EQ(std::string(tuttiGetLastError(other[r])), "");
  }
}

TEST(Groups, ACommunicatorWithQueuedOperationsIsNotDestroyed) {
  ThreadWorld world(1);
  std::int32_t in = 1, out = 0;
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  expect_ok(tuttiAllReduce(&in, &out, 1, tuttiInt32, tuttiSum, world[0], nullptr), world[0]);
  EXPECT_EQ(tuttiCommDestroy(world[0]), tuttiInvalidUsage);
  EXPECT_EQ(tuttiGroupEnd(), tuttiInvalidUsage);
  EXPECT_EQ(out, 0);
}

TEST(Groups, AnAbortedCommunicatorMakesTheEndReturnThat) {
  ThreadWorld world(1);
  std::int32_t in = 1, out = 0;
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  expect_ok(tuttiAllReduce(&in, &out, 1, tuttiInt32, tuttiSum, world[0], nullptr), world[0]);
  EXPECT_EQ(tuttiCommAbort(world.take(0)), tuttiSuccess);
  EXPECT_EQ(tuttiGroupEnd(), tuttiAborted);
  EXPECT_EQ(out, 0);
}

}  // namespace
