// The trace as JSON: what viewers need of it, and what it says of the run.
#include "transports/ub/trace/chrome_trace.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tutti/error.hpp>

#include "tests/unit/ub_trace/workloads.hpp"

namespace tutti::ub::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// With the process's number: tests of several builds run at once.
std::string trace_path() {
  return testing::TempDir() + "tutti-trace-" + std::to_string(::getpid()) + ".json";
}

void write(const Outcome& outcome, const std::string& path) {
  OutputFile file(path);
  write_chrome_trace(file, *outcome.simulation->record(), outcome.simulation->topology(),
                     outcome.report);
}

json trace_of(const Outcome& outcome) {
  const std::string path = trace_path();
  write(outcome, path);
  json trace = json::parse(std::ifstream(path));
  ::unlink(path.c_str());
  return trace;
}

TEST(ChromeTrace, HasATrackForEveryRankAndStream) {
  const Outcome outcome = run(all_gather_on_a_stream(65536), {.ranks = 4});
  const json trace = trace_of(outcome);
  std::set<std::pair<int, int>> named;
  std::set<std::pair<int, int>> used;
  for (const json& event : trace["traceEvents"]) {
    const std::string phase = event["ph"];
    if (phase == "M" && event["name"] == "thread_name") named.emplace(event["pid"], event["tid"]);
    if (phase != "M" && event["pid"] < 4) used.emplace(event["pid"], event["tid"]);
  }
  EXPECT_EQ(named.size(), 8U);
  EXPECT_EQ(used, named);
}

TEST(ChromeTrace, SlicesOfATrackNestAndArrowsEndInWaits) {
  const Outcome outcome = run(all_to_all(4096), {});
  const json trace = trace_of(outcome);
  std::map<std::pair<int, int>, double> ends;  // of the latest piece on the track
  std::set<int> started;
  std::size_t arrows = 0;
  double wait_begin = 0;
  double wait_end = 0;
  for (const json& event : trace["traceEvents"]) {
    const std::string phase = event["ph"];
    const std::string kind = event.value("cat", "");
    if (phase == "s") started.insert(event["id"].get<int>());
    if (phase == "f") {
      ++arrows;
      EXPECT_EQ(event["bp"], "e");
      EXPECT_GE(event["ts"].get<double>(), wait_begin);
      EXPECT_LT(event["ts"].get<double>(), wait_end);
    }
    if (kind != "wait" && kind != "work") continue;
    double& end = ends[{event["pid"], event["tid"]}];
    wait_begin = event["ts"];
    wait_end = wait_begin + event["dur"].get<double>();
    EXPECT_GE(wait_begin, end - 1e-6);
    end = wait_end;
  }
  EXPECT_GE(arrows, 16U);
  EXPECT_EQ(started.size(), outcome.report.transfers);
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] != "f") continue;
    EXPECT_TRUE(started.contains(event["id"].get<int>()));
  }
}

TEST(ChromeTrace, HasASliceForEveryCallOfTheLibrary) {
  constexpr int kRanks = kSanitized ? 5 : 16;
  const Outcome outcome = run(moe_step(16, 1024), {.ranks = kRanks});
  const std::vector<RecordedCall>& calls = outcome.simulation->record()->calls();
  std::size_t slices = 0;
  std::size_t dispatches = 0;
  const json trace = trace_of(outcome);
  for (const json& event : trace["traceEvents"]) {
    if (event.value("cat", "") != "call") continue;
    ++slices;
    const json& facts = event["args"];
    if (event["name"] != "MoeDispatch") continue;
    ++dispatches;
    EXPECT_EQ(facts["bytes"], 16 * 1024);
    EXPECT_EQ(facts["communicator"], "world/moe");
    EXPECT_GT(facts["number"].get<std::uint64_t>(), 0U);
    EXPECT_GT(event["dur"].get<double>(), 1.0);
  }
  EXPECT_EQ(slices, calls.size());
  EXPECT_EQ(dispatches, 2U * kRanks);
}

TEST(ChromeTrace, CarriesTheCriticalPathsOfTheRunAndOfWhatIsMarked) {
  constexpr int kRanks = kSanitized ? 5 : 16;
  const Outcome outcome = run(moe_step(16, 1024), {.ranks = kRanks}, 2);
  const json facts = trace_of(outcome)["tutti"];
  EXPECT_EQ(facts["fabric"], "cloudmatrix384");
  EXPECT_EQ(facts["ranks"], kRanks);
  EXPECT_EQ(facts["end_ps"], outcome.report.end.count());
  EXPECT_EQ(facts["transfers"], outcome.report.transfers);
  ASSERT_EQ(facts["paths"].size(), 3U);
  EXPECT_EQ(facts["paths"][0]["name"], "run");
  for (const json& path : facts["paths"]) {
    std::int64_t sum = 0;
    for (const json& part : path["parts_ps"]) sum += part.get<std::int64_t>();
    EXPECT_EQ(sum, path["end_ps"].get<std::int64_t>() - path["begin_ps"].get<std::int64_t>());
  }
}

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiSystemError);
    return error.what();
  }
  return "none";
}

TEST(ChromeTrace, AFullDiskAndAMissingFolderAreErrors) {
  const Outcome outcome = run(barrier(), {.ranks = 2});
  EXPECT_THAT(refusal([&] { write(outcome, "/dev/full"); }),
              HasSubstr("/dev/full cannot be written"));
  EXPECT_THAT(refusal([] { OutputFile file("/no/such/folder/trace.json"); }),
              HasSubstr("/no/such/folder/trace.json cannot be made: No such file"));
}

}  // namespace
}  // namespace tutti::ub::test
