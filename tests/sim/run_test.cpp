// tuttiSimRun as users call it: what it returns, what it says, and what its ranks may do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tutti/sim.h>
#include <tutti/tutti.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tutti::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Body = std::function<tuttiResult_t(int rank, int nranks, const tuttiUniqueId& id)>;

tuttiResult_t call_body(int rank, int nranks, const tuttiUniqueId* id, void* user) {
  return (*static_cast<const Body*>(user))(rank, nranks, *id);
}

class SimRun : public testing::Test {
 protected:
  SimRun() {
    config.fabric = "cloudmatrix384-wire";
    config.rank_per = "package";
  }
  tuttiResult_t run(int nranks, Body body) {
    return tuttiSimRun(&config, nranks, call_body, &body, &result);
  }
  static std::string sentence() { return tuttiGetLastError(nullptr); }

  tuttiSimConfig_t config = TUTTI_SIM_CONFIG_INITIALIZER;
  tuttiSimResult_t result = TUTTI_SIM_RESULT_INITIALIZER;
};

// Adds up and gathers the ranks' numbers on a communicator that meets at `id`.
tuttiResult_t sum_up(int rank, int nranks, const tuttiUniqueId& id) {
  tuttiComm_t comm = nullptr;
  tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
  if (code != tuttiSuccess) return code;
  int sum = 0;
  code = tuttiAllReduce(&rank, &sum, 1, tuttiInt32, tuttiSum, comm, nullptr);
  EXPECT_EQ(sum, nranks * (nranks - 1) / 2);
  // Too long for lines.
  const std::vector<int> mine(300, rank);
  std::vector<int> all(mine.size() * static_cast<std::size_t>(nranks));
  if (code == tuttiSuccess) {
    code = tuttiAllGather(mine.data(), all.data(), mine.size(), tuttiInt32, comm, nullptr);
    EXPECT_EQ(all.back(), nranks - 1);
  }
  const tuttiResult_t end = tuttiCommDestroy(comm);
  return code != tuttiSuccess ? code : end;
}

TEST_F(SimRun, RunsEveryRankAndTellsWhatTheRunWasLike) {
  ASSERT_EQ(run(48, sum_up), tuttiSuccess) << sentence();
  EXPECT_EQ(result.finished_ranks, 48);
  EXPECT_EQ(result.first_failed_rank, -1);
  EXPECT_GT(result.bound_ps, 0U);
  EXPECT_GE(result.last_arrival_ps, result.bound_ps);
  EXPECT_GE(result.end_ps, result.last_arrival_ps);
  EXPECT_GT(result.end_ps, 1'000'000U) << "a line takes more than a microsecond";
  EXPECT_LT(result.end_ps, 1'000'000'000U);
  EXPECT_GT(result.transfers, 48U * 47);
  EXPECT_NE(result.payload_digest, 0U);

  const tuttiSimResult_t first = result;
  ASSERT_EQ(run(48, sum_up), tuttiSuccess);
  EXPECT_EQ(std::memcmp(&first, &result, sizeof(result)), 0) << "every run is the same";
}

TEST_F(SimRun, LevelsAndFabricsDifferInTimeAndNotInBytes) {
  ASSERT_EQ(run(16, sum_up), tuttiSuccess);
  const tuttiSimResult_t message = result;
  config.level = tuttiSimCell;
  config.cell_bytes = 512;
  config.reorder_seed = 4;
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  EXPECT_EQ(result.payload_digest, message.payload_digest);
  config = TUTTI_SIM_CONFIG_INITIALIZER;
  config.fabric = "h800-ib";
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  EXPECT_NE(result.end_ps, message.end_ps);
  EXPECT_EQ(result.payload_digest, message.payload_digest);
}

// On the fabric of wires, whose software is free, only what is set can cost.
TEST_F(SimRun, SettingsChangeTheProfileForThisRun) {
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  const tuttiSimResult_t plain = result;
  const char* const settings[] = {"other_node/write/latency_ns=99000",
                                  "other_node/write/latency_ns=50000"};
  config.settings = settings;
  config.num_settings = 2;
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  EXPECT_EQ(result.payload_digest, plain.payload_digest);
  EXPECT_GT(result.end_ps, 100'000'000U) << "two writes in a row at least";
  config.num_settings = 1;
  const std::uint64_t later = result.end_ps;
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  EXPECT_GT(result.end_ps, later);
  config.settings = nullptr;
  config.num_settings = 0;
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  EXPECT_EQ(result.arrivals_digest, plain.arrivals_digest);
}

// The C API tells a rank whose node has failed that it is at its end; what its body makes of that
// is not how it ended.
TEST_F(SimRun, ARankWhoseNodeFailsHasDiedWhateverItReturns) {
  const std::string path = testing::TempDir() + "tutti-node-fails.json";
  std::ofstream(path) << R"({
    "name": "frail", "about": "two nodes, one of which fails",
    "topology": {"source": "a test",
      "levels": [{"name": "die", "inside": "node", "count": 1},
                 {"name": "node", "inside": "all", "count": 2}, {"name": "all"}],
      "node": "node", "ranks": ["die"]},
    "networks": [{"name": "wire", "source": "a test", "planes": 1, "link_GBps": 100,
      "spraying": "summed", "latency_before_port_percent": 50, "receive_buffer_bytes": 1000000,
      "detection_ns": 5000}],
    "hops": [{"class": "self", "source": "a test",
              "read": {"latency_ns": 10, "bandwidth_GBps": 1000},
              "write": {"latency_ns": 10, "bandwidth_GBps": 1000}},
             {"class": "other_node", "within": "all", "network": "wire", "source": "a test",
              "read": {"latency_ns": 1000, "bandwidth_GBps": 100},
              "write": {"latency_ns": 1000, "bandwidth_GBps": 100}}],
    "faults": {"source": "a test", "events": [{"kind": "node", "at_ns": 40000, "node": 1}]}
  })";
  config.fabric = path.c_str();
  config.rank_per = nullptr;
  EXPECT_EQ(run(2,
                [](int rank, int nranks, const tuttiUniqueId& id) {
                  tuttiComm_t comm = nullptr;
                  tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
                  while (code == tuttiSuccess) code = tuttiBarrier(comm, nullptr);
                  tuttiCommAbort(comm);
                  return code;
                }),
            tuttiRemoteError);
  EXPECT_THAT(sentence(), HasSubstr("rank 1 died at 40.000000 us, as its node failed"));
  EXPECT_EQ(result.first_failed_rank, 1);
  EXPECT_EQ(result.finished_ranks, 0);
}

TEST_F(SimRun, JitterIsAMatterOfItsSeed) {
  config.fabric = "cloudmatrix384";
  const auto end = [&](int percent, std::uint64_t seed) {
    config.jitter_percent = percent;
    config.jitter_seed = seed;
    EXPECT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
    return result.end_ps;
  };
  EXPECT_EQ(end(0, 1), end(0, 2));
  EXPECT_EQ(end(20, 1), end(20, 1));
  EXPECT_NE(end(20, 1), end(20, 2));
  EXPECT_NE(end(20, 1), end(0, 1));
}

TEST_F(SimRun, TakesDefaultsAndNoResult) {
  Body body = sum_up;
  EXPECT_EQ(tuttiSimRun(nullptr, 3, call_body, &body, nullptr), tuttiSuccess) << sentence();
}

TEST_F(SimRun, TimeGoesOnInCallsAndNotBetween) {
  ASSERT_EQ(run(2,
                [](int rank, int nranks, const tuttiUniqueId& id) {
                  std::uint64_t before = 0, after = 0;
                  tuttiComm_t comm = nullptr;
                  EXPECT_EQ(tuttiCommInitRank(&comm, nranks, id, rank), tuttiSuccess);
                  EXPECT_EQ(tuttiSimGetTime(&before), tuttiSuccess);
                  volatile int work = 0;
                  for (int i = 0; i < 100'000; ++i) work = work + 1;
                  EXPECT_EQ(tuttiSimGetTime(&after), tuttiSuccess);
                  EXPECT_EQ(before, after);
                  EXPECT_EQ(tuttiBarrier(comm, nullptr), tuttiSuccess);
                  EXPECT_EQ(tuttiSimGetTime(&after), tuttiSuccess);
                  EXPECT_GT(after, before);
                  return tuttiCommDestroy(comm);
                }),
            tuttiSuccess);
  std::uint64_t time = 0;
  EXPECT_EQ(tuttiSimGetTime(&time), tuttiInvalidUsage);
  EXPECT_THAT(sentence(), HasSubstr("simulation"));
}

// Two streams compute side by side, one after the other what is queued on one of them.
TEST_F(SimRun, ComputingTakesTheTimeOfItsStream) {
  const auto body = [](int rank, int nranks, const tuttiUniqueId& id) {
    tuttiComm_t comm = nullptr;
    EXPECT_EQ(tuttiCommInitRank(&comm, nranks, id, rank), tuttiSuccess);
    tuttiStream_t streams[2];
    for (tuttiStream_t& stream : streams) EXPECT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
    std::uint64_t start = 0, end = 0;
    EXPECT_EQ(tuttiSimGetTime(&start), tuttiSuccess);
    EXPECT_EQ(tuttiSimCompute(comm, 3'000, streams[0]), tuttiSuccess);
    EXPECT_EQ(tuttiSimCompute(comm, 4'000, streams[0]), tuttiSuccess);
    EXPECT_EQ(tuttiSimCompute(comm, 5'000, streams[1]), tuttiSuccess);
    EXPECT_EQ(tuttiSimGetTime(&end), tuttiSuccess);
    EXPECT_EQ(end, start);
    EXPECT_EQ(tuttiSimCompute(comm, 1'000, nullptr), tuttiSuccess);
    EXPECT_EQ(tuttiSimGetTime(&end), tuttiSuccess);
    EXPECT_EQ(end, start + 1'000'000);
    for (const tuttiStream_t stream : streams) {
      EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
      EXPECT_EQ(tuttiSimGetTime(&end), tuttiSuccess);
      EXPECT_EQ(end, start + 7'000'000);
    }
    for (const tuttiStream_t stream : streams) EXPECT_EQ(tuttiStreamDestroy(stream), tuttiSuccess);

    EXPECT_EQ(tuttiSimCompute(nullptr, 1, nullptr), tuttiInvalidArgument);
    EXPECT_EQ(tuttiSimCompute(comm, ~std::uint64_t{0}, nullptr), tuttiInvalidArgument);
    EXPECT_THAT(tuttiGetLastError(comm), HasSubstr("nanoseconds is 18446744073709551615"));
    return tuttiCommDestroy(comm);
  };
  ASSERT_EQ(run(2, body), tuttiSuccess) << sentence();
}

TEST_F(SimRun, RanksMakeIdsOfTheirOwn) {
  tuttiUniqueId second{};
  ASSERT_EQ(run(4,
                [&](int rank, int nranks, const tuttiUniqueId& id) {
                  if (rank == 0) {
                    EXPECT_EQ(tuttiGetUniqueId(&second), tuttiSuccess);
                  }
                  const tuttiResult_t code = sum_up(rank, nranks, id);
                  return code != tuttiSuccess ? code : sum_up(rank, nranks, second);
                }),
            tuttiSuccess)
      << sentence();
  tuttiComm_t comm = nullptr;
  EXPECT_EQ(tuttiCommInitRank(&comm, 1, second, 0), tuttiInvalidUsage);
  EXPECT_THAT(sentence(), HasSubstr("made in a simulation"));
}

TEST_F(SimRun, IdsThatAreWrongOrUsedUpAreRefusedAsEverywhere) {
  tuttiUniqueId outside{};
  ASSERT_EQ(tuttiGetUniqueId(&outside), tuttiSuccess);
  const auto refused = [](int nranks, const tuttiUniqueId& id, int rank, const char* words) {
    tuttiComm_t comm = nullptr;
    EXPECT_EQ(tuttiCommInitRank(&comm, nranks, id, rank), tuttiInvalidUsage);
    EXPECT_EQ(comm, nullptr);
    EXPECT_THAT(tuttiGetLastError(nullptr), HasSubstr(words));
  };
  ASSERT_EQ(run(2,
                [&](int rank, int nranks, const tuttiUniqueId& id) {
                  refused(nranks, outside, rank, "outside the simulation");
                  const tuttiResult_t code = sum_up(rank, nranks, id);
                  refused(nranks, id, rank, "used up");
                  return code;
                }),
            tuttiSuccess)
      << sentence();
  // Rank 0 has come when rank 1 says something else.
  EXPECT_EQ(run(3,
                [&](int rank, int nranks, const tuttiUniqueId& id) {
                  if (rank == 1) {
                    refused(2, id, 1, "others said 3");
                    refused(nranks, id, 0, "already joined");
                  }
                  return sum_up(rank, nranks, id);
                }),
            tuttiSuccess)
      << sentence();
  tuttiComm_t comm = nullptr;
  EXPECT_EQ(tuttiCommInitRank(&comm, 1, outside, 0), tuttiSuccess) << "it was not used";
  EXPECT_EQ(tuttiCommDestroy(comm), tuttiSuccess);
}

TEST_F(SimRun, WrongConfigurationsNameTheField) {
  const auto expect = [&](tuttiSimConfig_t wrong, int nranks, const char* words) {
    Body never = [](int, int, const tuttiUniqueId&) {
      ADD_FAILURE() << "ran";
      return tuttiSuccess;
    };
    EXPECT_EQ(tuttiSimRun(&wrong, nranks, call_body, &never, nullptr), tuttiInvalidArgument);
    EXPECT_THAT(sentence(), HasSubstr(words));
  };
  tuttiSimConfig_t wrong = config;
  wrong.fabric = "no-such-fabric";
  expect(wrong, 2, "no-such-fabric");
  wrong = config;
  wrong.rank_per = "rack";
  expect(wrong, 2, "rack");
  expect(config, 0, "0");
  expect(config, 385, "385");
  const int nodes[] = {0, 48};
  wrong = config;
  wrong.nodes = nodes;
  expect(wrong, 2, "num_nodes");
  wrong.num_nodes = 2;
  expect(wrong, 2, "48");
  wrong.num_nodes = 1;
  expect(wrong, 9, "9");
  wrong = config;
  wrong.size = 3;
  expect(wrong, 2, "size");
  wrong = config;
  wrong.cell_bytes = 100;
  expect(wrong, 2, "cell_bytes");
  wrong = config;
  wrong.level = static_cast<tuttiSimLevel_t>(3);
  expect(wrong, 2, "level");
  wrong = config;
  const char* const settings[] = {"bus/planes=0", nullptr};
  wrong.settings = settings;
  wrong.num_settings = 1;
  expect(wrong, 2, "with bus/planes=0");
  wrong.num_settings = 2;
  expect(wrong, 2, "settings[1] is NULL");
  wrong.num_settings = 0;
  expect(wrong, 2, "num_settings is 0");
  wrong.settings = nullptr;
  wrong.num_settings = 1;
  expect(wrong, 2, "settings is NULL");
  wrong = config;
  wrong.jitter_percent = 101;
  expect(wrong, 2, "jitter_percent is 101");
  wrong = config;
  wrong.flags = 1;
  expect(wrong, 2, "flags");
  EXPECT_EQ(tuttiSimRun(&config, 2, nullptr, nullptr, nullptr), tuttiInvalidArgument);
  EXPECT_THAT(sentence(), HasSubstr("body"));
}

TEST_F(SimRun, WhatABodyReturnsOrThrowsIsTheRunsEnd) {
  EXPECT_EQ(
      run(4, [](int rank, int,
                const tuttiUniqueId&) { return rank == 2 ? tuttiCapacityExceeded : tuttiSuccess; }),
      tuttiCapacityExceeded);
  EXPECT_THAT(sentence(), HasSubstr("rank 2 returned"));
  EXPECT_EQ(result.first_failed_rank, 2);
  EXPECT_EQ(result.finished_ranks, 3);
  EXPECT_EQ(run(4,
                [](int rank, int, const tuttiUniqueId&) {
                  if (rank == 3) throw std::runtime_error("out of tea");
                  return tuttiSuccess;
                }),
            tuttiInvalidUsage);
  EXPECT_THAT(sentence(), AllOf(HasSubstr("rank 3 threw"), HasSubstr("out of tea")));
}

TEST_F(SimRun, ARankThatLeavesEarlyIsNamed) {
  EXPECT_EQ(run(3,
                [](int rank, int nranks, const tuttiUniqueId& id) {
                  tuttiComm_t comm = nullptr;
                  tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
                  if (code == tuttiSuccess && rank != 1) code = tuttiBarrier(comm, nullptr);
                  if (code != tuttiSuccess) {
                    EXPECT_THAT(tuttiGetLastError(comm), HasSubstr("rank 1"));
                  }
                  tuttiCommDestroy(comm);
                  return code;
                }),
            tuttiRemoteError);
  EXPECT_NE(result.first_failed_rank, 1);
  EXPECT_LT(result.end_ps, std::uint64_t{30'000'000} * 1'000'000) << "long before any deadline";
}

TEST_F(SimRun, DeadlocksEndAtTheVirtualDeadlineAndSayWhoWaitsForWhat) {
  EXPECT_EQ(run(2,
                [](int rank, int nranks, const tuttiUniqueId& id) {
                  tuttiComm_t comm = nullptr;
                  tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
                  if (code != tuttiSuccess) return code;
                  int value = 0;
                  code = tuttiRecv(&value, 1, tuttiInt32, 1 - rank, comm, nullptr);
                  EXPECT_THAT(tuttiGetLastError(comm), HasSubstr("Recv"));
                  tuttiCommDestroy(comm);
                  return code;
                }),
            tuttiTimeout);
  EXPECT_THAT(sentence(), HasSubstr("wait for each other"));
  EXPECT_GE(result.end_ps, std::uint64_t{30'000} * 1'000'000'000) << "thirty virtual seconds";
}

TEST_F(SimRun, ARankThatNeverComesIsWaitedForUntilTheDeadline) {
  EXPECT_EQ(run(3,
                [](int rank, int nranks, const tuttiUniqueId& id) {
                  if (rank == 2) return tuttiSuccess;
                  tuttiComm_t comm = nullptr;
                  const tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
                  EXPECT_THAT(tuttiGetLastError(nullptr), HasSubstr("rank 2"));
                  return code;
                }),
            tuttiTimeout);
  EXPECT_THAT(sentence(), HasSubstr("rank 2"));
}

TEST_F(SimRun, TheTimeLimitEndsWhatWouldPollForEver) {
  config.time_limit_ns = 5'000'000;
  EXPECT_EQ(run(2,
                [](int rank, int nranks, const tuttiUniqueId& id) {
                  tuttiComm_t comm = nullptr;
                  const tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
                  if (code != tuttiSuccess) return code;
                  tuttiResult_t state = tuttiSuccess;
                  while (state == tuttiSuccess) {
                    if (tuttiCommGetAsyncError(comm, &state) != tuttiSuccess) break;
                    int value = 0;
                    if (rank == 1) state = tuttiRecv(&value, 1, tuttiInt32, 0, comm, nullptr);
                  }
                  tuttiCommAbort(comm);
                  return state;
                }),
            tuttiTimeout);
  EXPECT_THAT(sentence(), HasSubstr("time limit of 5000000 ns"));
  EXPECT_EQ(result.finished_ranks, 0);
  EXPECT_LT(result.end_ps, std::uint64_t{5'000'000'001});
}

TEST_F(SimRun, ASimulationInARankIsRefused) {
  EXPECT_EQ(run(1,
                [&](int, int, const tuttiUniqueId&) {
                  Body inner = sum_up;
                  return tuttiSimRun(nullptr, 1, call_body, &inner, nullptr);
                }),
            tuttiInvalidUsage);
  EXPECT_THAT(sentence(), HasSubstr("cannot run another"));
}

}  // namespace
}  // namespace tutti::test
