// Groups without streams: order, nesting, several communicators, errors while queueing.
#include <cstdint>

#include "tests/support/sibling.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/worlds.hpp"

namespace tutti::test {
namespace {

void group(const std::function<void()>& calls) {
  ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
  calls();
  EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess) << tuttiGetLastError(nullptr);
}

class Groups : public testing::TestWithParam<World> {
 protected:
  static void run(int ranks, const World::Body& body) { GetParam().run(ranks, body); }
};

TEST_P(Groups, OperationsOfOneCommunicatorRunInTheOrderOfTheirCalls) {
  run(2, [](int, tuttiComm_t comm) {
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

TEST_P(Groups, MayQueueMoreOperationsThanAChannelHasSlots) {
  constexpr int kCalls = 100;
  run(3, [](int, tuttiComm_t comm) {
    std::vector<std::int32_t> data(kCalls, 1);
    group([&] {
      for (auto& item : data) {
        expect_ok(tuttiAllReduce(&item, &item, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
      }
    });
    EXPECT_EQ(data, std::vector<std::int32_t>(kCalls, 3));
  });
}

TEST_P(Groups, CommunicatorsInDifferentOrdersDoNotWaitForEachOther) {
  run(2, [](int rank, tuttiComm_t comm) {
    const Sibling other(comm);
    for (int round = 0; round < 50; ++round) {
      std::int32_t a = rank, b = 10 * rank;
      const auto reduce = [](tuttiComm_t in, std::int32_t& value) {
        expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt32, tuttiMax, in, nullptr), in);
      };
      group([&] {
        if (rank == 0) reduce(comm, a);
        reduce(other, b);
        if (rank == 1) reduce(comm, a);
      });
      EXPECT_EQ(a, 1);
      EXPECT_EQ(b, 10);
    }
  });
}

// Each rank is inside a group of its own while others are, or are not.
TEST_P(Groups, OfOneRankAreNoMatterOfAnothers) {
  run(3, [](int rank, tuttiComm_t comm) {
    const Sibling other(comm);
    std::int32_t first = rank, second = rank;
    if (rank == 1) {
      ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
    }
    expect_ok(tuttiAllReduce(&first, &first, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
    if (rank == 1) {
      EXPECT_EQ(first, 1) << "it is queued";
      EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess);
    }
    EXPECT_EQ(first, 3);
    expect_ok(tuttiAllReduce(&second, &second, 1, tuttiInt32, tuttiMax, other, nullptr), other);
    EXPECT_EQ(second, 2);
  });
}

TEST_P(Groups, OnlyTheOutermostEndRunsWhatIsQueued) {
  run(1, [](int, tuttiComm_t comm) {
    std::int32_t in = 5, out = 0;
    ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
    ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
    expect_ok(tuttiAllReduce(&in, &out, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
    EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess);
    EXPECT_EQ(out, 0);
    EXPECT_EQ(tuttiGroupEnd(), tuttiSuccess);
    EXPECT_EQ(out, 5);
  });
}

TEST_P(Groups, AnEmptyGroupIsFineAndAnEndWithoutAStartIsNot) {
  run(2, [](int, tuttiComm_t) {
    group([] {});
    EXPECT_EQ(tuttiGroupEnd(), tuttiInvalidUsage);
  });
}

TEST_P(Groups, AnErrorWhileQueueingComesAgainFromTheEndAndNothingIsSent) {
  run(2, [](int rank, tuttiComm_t comm) {
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

TEST_P(Groups, ArraysMayChangeBeforeTheEnd) {
  run(2, [](int rank, tuttiComm_t comm) {
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

TEST_P(Groups, EndReturnsTheFirstErrorOfWhatRan) {
  run(2, [](int rank, tuttiComm_t comm) {
    const Sibling other(comm);
    std::int32_t value = 1, fine = 1;
    ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
    expect_ok(tuttiAllReduce(&fine, &fine, 1, tuttiInt32, tuttiSum, other, nullptr), other);
    expect_ok(tuttiAllReduce(&value, &value, 1, tuttiInt32, rank == 0 ? tuttiSum : tuttiProd, comm,
                             nullptr),
              comm);
    EXPECT_EQ(tuttiGroupEnd(), tuttiMismatch);
    EXPECT_EQ(fine, 2);
    EXPECT_NE(std::string(tuttiGetLastError(comm)).find("AllReduce"), std::string::npos);
    EXPECT_EQ(std::string(tuttiGetLastError(other)), "");
  });
}

TEST_P(Groups, ACommunicatorWithQueuedOperationsIsNotDestroyed) {
  run(1, [](int, tuttiComm_t comm) {
    std::int32_t in = 1, out = 0;
    ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
    expect_ok(tuttiAllReduce(&in, &out, 1, tuttiInt32, tuttiSum, comm, nullptr), comm);
    EXPECT_EQ(tuttiCommDestroy(comm), tuttiInvalidUsage);
    EXPECT_EQ(tuttiGroupEnd(), tuttiInvalidUsage);
    EXPECT_EQ(out, 0);
  });
}

TEST_P(Groups, AnAbortedCommunicatorMakesTheEndReturnThat) {
  run(1, [](int, tuttiComm_t comm) {
    Sibling other(comm);
    std::int32_t in = 1, out = 0;
    ASSERT_EQ(tuttiGroupStart(), tuttiSuccess);
    expect_ok(tuttiAllReduce(&in, &out, 1, tuttiInt32, tuttiSum, other, nullptr), other);
    EXPECT_EQ(tuttiCommAbort(other.take()), tuttiSuccess);
    EXPECT_EQ(tuttiGroupEnd(), tuttiAborted);
    EXPECT_EQ(out, 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Worlds, Groups, testing::ValuesIn(worlds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace tutti::test
