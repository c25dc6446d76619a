// Wrong arguments: a code, a sentence that names the argument, nothing sent, and the communicator
// goes on.
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <limits>

#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

struct Misuse : testing::Test {
  Misuse() : world(1), comm(world[0]) {}

  void expect(tuttiResult_t result, tuttiResult_t code, const char* word) {
    EXPECT_EQ(result, code);
    EXPECT_NE(std::string(tuttiGetLastError(comm)).find(word), std::string::npos)
        << tuttiGetLastError(comm);
  }

  ThreadWorld world;
  tuttiComm_t comm;
  float a[8] = {};
  float b[8] = {};
};

TEST_F(Misuse, OfPointersNamesThem) {
  expect(tuttiAllReduce(nullptr, b, 8, tuttiFloat, tuttiSum, comm, nullptr), tuttiInvalidArgument,
         "sendbuff");
  expect(tuttiAllReduce(a, nullptr, 8, tuttiFloat, tuttiSum, comm, nullptr), tuttiInvalidArgument,
         "recvbuff");
  expect(tuttiAlltoAllv(a, nullptr, nullptr, b, nullptr, nullptr, tuttiFloat, comm, nullptr),
         tuttiInvalidArgument, "sendcounts");
  EXPECT_EQ(tuttiAllReduce(a, b, 8, tuttiFloat, tuttiSum, nullptr, nullptr), tuttiInvalidArgument);
  EXPECT_NE(std::string(tuttiGetLastError(nullptr)).find("comm"), std::string::npos);
}

TEST_F(Misuse, OfTheTransportIsHeardBeforeRanksMeet) {
  tuttiUniqueId id;
  ASSERT_EQ(tuttiGetUniqueId(&id), tuttiSuccess);
  const auto expect_alone = [&](const char* transport, tuttiResult_t code, const char* word) {
    const ScopedVariable variable("TUTTI_TRANSPORT", transport);
    tuttiComm_t alone = nullptr;  // rank 0 never comes
    EXPECT_EQ(tuttiCommInitRank(&alone, 2, id, 1), code);
    EXPECT_EQ(alone, nullptr);
    EXPECT_NE(std::string(tuttiGetLastError(nullptr)).find(word), std::string::npos)
        << tuttiGetLastError(nullptr);
  };
  expect_alone("rubbish", tuttiInvalidArgument, "rubbish");
  expect_alone("ub", tuttiInvalidUsage, "simulation");
}

TEST_F(Misuse, OfTypesOperatorsAndRootsNamesThem) {
  expect(tuttiAllReduce(a, b, 8, static_cast<tuttiDataType_t>(12), tuttiSum, comm, nullptr),
         tuttiInvalidArgument, "datatype");
  expect(tuttiAllReduce(a, b, 8, static_cast<tuttiDataType_t>(15), tuttiSum, comm, nullptr),
         tuttiInvalidArgument, "datatype");
  expect(tuttiAllReduce(a, b, 8, tuttiFloat, static_cast<tuttiRedOp_t>(77), comm, nullptr),
         tuttiInvalidArgument, "op");
  expect(tuttiBroadcast(a, b, 8, tuttiFloat, 1, comm, nullptr), tuttiInvalidArgument, "root");
  expect(tuttiReduce(a, b, 8, tuttiFloat, tuttiSum, -1, comm, nullptr), tuttiInvalidArgument,
         "root");
}

TEST_F(Misuse, OfCountsThatNoBufferHasIsFound) {
  constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max() / 2;
  expect(tuttiAllReduce(a, b, kHuge, tuttiFloat, tuttiSum, comm, nullptr), tuttiInvalidArgument,
         "count");
  expect(tuttiAllGather(a, b, kHuge, tuttiFloat, comm, nullptr), tuttiInvalidArgument, "count");
}

TEST_F(Misuse, OfOverlappingBuffersIsFound) {
  expect(tuttiAllReduce(a, a + 1, 4, tuttiFloat, tuttiSum, comm, nullptr), tuttiInvalidArgument,
         "overlap");
  expect(tuttiAlltoAll(a, a + 2, 4, tuttiFloat, comm, nullptr), tuttiInvalidArgument, "overlap");
}

TEST_F(Misuse, LeavesTheCommunicatorUsable) {
  expect(tuttiBroadcast(a, b, 8, tuttiFloat, 9, comm, nullptr), tuttiInvalidArgument, "root");
  a[3] = 5;
  EXPECT_EQ(tuttiAllReduce(a, b, 8, tuttiFloat, tuttiSum, comm, nullptr), tuttiSuccess);
  EXPECT_EQ(b[3], 5);
}

TEST(Joining, WithWrongRanksIsRefused) {
  tuttiUniqueId id;
  ASSERT_EQ(tuttiGetUniqueId(&id), tuttiSuccess);
  tuttiComm_t comm = nullptr;
  EXPECT_EQ(tuttiCommInitRank(&comm, 2, id, 2), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommInitRank(&comm, 0, id, 0), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommInitRank(nullptr, 1, id, 0), tuttiInvalidArgument);
  EXPECT_EQ(tuttiGetUniqueId(nullptr), tuttiInvalidArgument);
}

TEST(Joining, WithAnIdOnceUsedIsRefused) {
  tuttiUniqueId id;
  ASSERT_EQ(tuttiGetUniqueId(&id), tuttiSuccess);
  tuttiComm_t first = nullptr;
  ASSERT_EQ(tuttiCommInitRank(&first, 1, id, 0), tuttiSuccess) << tuttiGetLastError(nullptr);
  tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
  config.timeout_ms = 2000;
  tuttiComm_t second = nullptr;
  EXPECT_NE(tuttiCommInitRankConfig(&second, 1, id, 0, &config), tuttiSuccess);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(tuttiCommDestroy(first), tuttiSuccess);
}

}  // namespace
}  // namespace tutti::test
