// What the configuration of tuttiSimRun decides, and what it is told where it is wrong.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/sim/run_fixture.hpp"

namespace tutti::test {
namespace {

using testing::HasSubstr;

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

TEST_F(SimRun, ATraceIsWrittenAndChangesNothing) {
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  const tuttiSimResult_t plain = result;
  const std::string path = testing::TempDir() + "tutti-sim-run-trace.json";
  config.trace = path.c_str();
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  EXPECT_EQ(result.arrivals_digest, plain.arrivals_digest);
  EXPECT_EQ(result.payload_digest, plain.payload_digest);
  EXPECT_EQ(result.end_ps, plain.end_ps);
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("\"traceEvents\""));
  EXPECT_THAT(text.str(), HasSubstr("\"end_ps\":" + std::to_string(result.end_ps)));
}

TEST_F(SimRun, AReportIsWrittenBesideATraceAndChangesNothing) {
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  const tuttiSimResult_t plain = result;
  const std::string trace = testing::TempDir() + "tutti-sim-run-both.json";
  const std::string page = testing::TempDir() + "tutti-sim-run-report.html";
  config.trace = trace.c_str();
  config.report = page.c_str();
  ASSERT_EQ(run(16, sum_up), tuttiSuccess) << sentence();
  EXPECT_EQ(result.arrivals_digest, plain.arrivals_digest);
  EXPECT_EQ(result.end_ps, plain.end_ps);
  std::stringstream text;
  text << std::ifstream(page).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("\"end_ps\":" + std::to_string(result.end_ps)));
  EXPECT_THAT(text.str(), HasSubstr("AllReduce, "));
  EXPECT_TRUE(std::ifstream(trace).good());
}

// Of a run that failed there is a page, and the failure is what is said.
TEST_F(SimRun, ARunThatFailsHasAReport) {
  const std::string page = testing::TempDir() + "tutti-sim-run-failed.html";
  config.report = page.c_str();
  const auto fails = [&](int rank, int, const tuttiUniqueId&) {
    return rank == 3 ? tuttiInvalidArgument : tuttiSuccess;
  };
  EXPECT_EQ(run(4, fails), tuttiInvalidArgument);
  std::stringstream text;
  text << std::ifstream(page).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("\"finished_ranks\":"));
}

TEST_F(SimRun, AReportThatCannotBeWrittenIsAnError) {
  const auto nothing = [](int, int, const tuttiUniqueId&) { return tuttiSuccess; };
  config.report = "/no/such/folder/report.html";
  EXPECT_EQ(run(4, nothing), tuttiSystemError);
  EXPECT_THAT(sentence(), HasSubstr("/no/such/folder/report.html cannot be made: No such file"));
  config.report = "/dev/full";
  EXPECT_EQ(run(4, nothing), tuttiSystemError);
  EXPECT_THAT(sentence(), HasSubstr("/dev/full cannot be written: No space left"));
  EXPECT_EQ(result.finished_ranks, 4);
}

TEST_F(SimRun, ATraceThatCannotBeWrittenIsAnError) {
  int ranks = 0;
  const auto count = [&](int, int, const tuttiUniqueId&) {
    ++ranks;
    return tuttiSuccess;
  };
  config.trace = "/no/such/folder/trace.json";
  EXPECT_EQ(run(4, count), tuttiSystemError);
  EXPECT_THAT(sentence(), HasSubstr("/no/such/folder/trace.json cannot be made: No such file"));
  EXPECT_EQ(ranks, 0) << "before any rank runs";
  config.trace = "/dev/full";
  EXPECT_EQ(run(4, count), tuttiSystemError);
  EXPECT_THAT(sentence(), HasSubstr("/dev/full cannot be written: No space left"));
  EXPECT_EQ(ranks, 4);
  EXPECT_EQ(result.finished_ranks, 4);
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

// Peers hear of it in virtual time, and each says who it was.
TEST_F(SimRun, ARankDiesByASettingAndItsPeersNameIt) {
  const char* const settings[] = {"fault=rank:at_ns=60000,rank=2"};
  config.settings = settings;
  config.num_settings = 1;
  int named = 0;
  EXPECT_EQ(run(5,
                [&](int rank, int nranks, const tuttiUniqueId& id) {
                  tuttiComm_t comm = nullptr;
                  tuttiResult_t code = tuttiCommInitRank(&comm, nranks, id, rank);
                  while (code == tuttiSuccess) code = tuttiBarrier(comm, nullptr);
                  if (rank != 2) {
                    EXPECT_EQ(code, tuttiRemoteError);
                    EXPECT_THAT(tuttiGetLastError(comm), HasSubstr("rank 2"));
                    std::uint64_t now = 0;
                    EXPECT_EQ(tuttiSimGetTime(&now), tuttiSuccess);
                    EXPECT_GT(now, 60'000'000U);
                    EXPECT_LT(now, 1'000'000'000U) << "long before any deadline";
                    ++named;
                  }
                  tuttiCommAbort(comm);
                  return rank == 2 ? code : tuttiSuccess;
                }),
            tuttiRemoteError);
  EXPECT_EQ(named, 4);
  EXPECT_THAT(sentence(), HasSubstr("rank 2 died at 60.000000 us, as a fault ended it"));
  EXPECT_EQ(result.first_failed_rank, 2);
  EXPECT_EQ(result.finished_ranks, 4);
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
  wrong.flags = 3;
  expect(wrong, 2, "flags");
  EXPECT_EQ(tuttiSimRun(&config, 2, nullptr, nullptr, nullptr), tuttiInvalidArgument);
  EXPECT_THAT(sentence(), HasSubstr("body"));
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

}  // namespace
}  // namespace tutti::test
