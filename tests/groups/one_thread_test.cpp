// Ranks of a communicator that one thread holds, which it may inside groups only.
#include <cstdint>

#include "tests/support/thread_world.hpp"
#include "tutti/stream.hpp"

namespace {

using tutti::Group;
using tutti::Stream;
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

INSTANTIATE_TEST_SUITE_P(Ranks, OneThread, testing::Values(1, 2, 3, 4, 7, 8));

TEST(OneThreadOfRanks, MayUseOneStreamForAll) {
  constexpr int kRanks = 4;
  constexpr int kCalls = 60;
  ThreadWorld world(kRanks);
  Stream stream;
  std::vector<std::int32_t> values(std::size_t{kRanks} * kCalls, 1);
  int after = 0;
  Group group;
  for (int call = 0; call < kCalls; ++call) {
    for (int rank = 0; rank < kRanks; ++rank) {
      auto* value =
          &values[static_cast<std::size_t>(rank) * kCalls + static_cast<std::size_t>(call)];
      expect_ok(tuttiAllReduce(value, value, 1, tuttiInt32, tuttiSum, world[rank], stream),
                world[rank]);
    }
  }
  group.commit();
  stream.launch([&] { after = values.back(); });
  stream.synchronize();
  EXPECT_EQ(values, std::vector<std::int32_t>(values.size(), kRanks));
  EXPECT_EQ(after, kRanks);
}

TEST(OneThreadOfRanks, HoldsBothSidesOfAMessage) {
  ThreadWorld world(2);
  std::vector<std::uint8_t> mine(100000), got(mine.size());
  for (std::size_t i = 0; i < mine.size(); ++i) {
    mine[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  }
  Group group;
  expect_ok(tuttiRecv(got.data(), got.size(), tuttiUint8, 0, world[1], nullptr), world[1]);
  expect_ok(tuttiSend(mine.data(), mine.size(), tuttiUint8, 1, world[0], nullptr), world[0]);
  group.commit();
  EXPECT_EQ(got, mine);
}

}  // namespace
