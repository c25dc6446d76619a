// Calls of the library in the record: which, when, on whose track, and what belongs together.
#include <gmock/gmock.h>
#include <tutti/sim.h>

#include <map>
#include <set>

#include "tests/unit/ub_trace/workloads.hpp"

namespace tutti::ub::test {
namespace {

using testing::IsSupersetOf;
using testing::SizeIs;

std::vector<const RecordedCall*> calls_of(const Outcome& outcome, const std::string& kind) {
  std::vector<const RecordedCall*> calls;
  for (const RecordedCall& call : outcome.simulation->record()->calls()) {
    if (call.kind == kind) calls.push_back(&call);
  }
  return calls;
}

const Entity& who(const Outcome& outcome, const RecordedCall& call) {
  return outcome.simulation->record()->fibres()[call.fibre].who;
}

TEST(RecordedCalls, AStepHasAllOfItsCallsOnEveryRank) {
  const Outcome outcome = run(moe_step(16, 1024), {});
  ASSERT_TRUE(outcome.report.all_finished());
  for (const auto& [kind, count] : std::map<std::string, std::size_t>{{"CommInitRank", 16},
                                                                      {"MoeGroupCreate", 32},
                                                                      {"MoePlanUpdate", 32},
                                                                      {"MoeDispatch", 32},
                                                                      {"MoeCombine", 32},
                                                                      {"Barrier", 48}}) {
    EXPECT_THAT(calls_of(outcome, kind), SizeIs(count)) << kind;
  }
  for (const RecordedCall& call : outcome.simulation->record()->calls()) {
    EXPECT_LE(call.begin, call.end) << call.kind;
    EXPECT_EQ(who(outcome, call).stream, 0) << call.kind;
  }
  for (const RecordedCall* const call : calls_of(outcome, "MoeDispatch")) {
    EXPECT_EQ(call->bytes, 16U * 1024);
    EXPECT_EQ(call->communicator, "world/moe");
  }
}

TEST(RecordedCalls, WhatAStreamCarriesOutIsOnItsTrack) {
  const Outcome outcome = run(all_gather_on_a_stream(65536), {.ranks = 4});
  const auto gathers = calls_of(outcome, "AllGather");
  ASSERT_THAT(gathers, SizeIs(8));
  for (const RecordedCall* const call : gathers) {
    EXPECT_GT(who(outcome, *call).stream, 0);
    EXPECT_EQ(call->bytes, 65536U);
    EXPECT_FALSE(call->algorithm.empty());
  }
  const auto waits = calls_of(outcome, "StreamSynchronize");
  ASSERT_THAT(waits, SizeIs(8));
  for (const RecordedCall* const call : waits) EXPECT_EQ(who(outcome, *call).stream, 0);
}

Program group_on_streams() {
  return {"group", [](tuttiComm_t comm, int rank, int ranks) {
            std::vector<char> from(4096, 'x');
            std::vector<char> to(4096);
            tuttiStream_t first = nullptr;
            tuttiStream_t second = nullptr;
            tuttiEvent_t event = nullptr;
            check(tuttiStreamCreate(&first));
            check(tuttiStreamCreate(&second));
            check(tuttiEventCreate(&event));
            check(tuttiGroupStart());
            check(tuttiSend(from.data(), 4096, tuttiInt8, (rank + 1) % ranks, comm, nullptr));
            check(tuttiRecv(to.data(), 4096, tuttiInt8, (rank + ranks - 1) % ranks, comm, nullptr));
            check(tuttiGroupEnd());
            check(tuttiSimCompute(comm, 1000, first));
            check(tuttiEventRecord(event, first));
            check(tuttiStreamWaitEvent(second, event));
            check(tuttiLaunchHostFunc(
                second, [](void*) {}, nullptr));
            check(tuttiEventSynchronize(event));
            check(tuttiStreamSynchronize(second));
            check(tuttiEventDestroy(event));
            check(tuttiStreamDestroy(second));
            check(tuttiStreamDestroy(first));
          }};
}

TEST(RecordedCalls, GroupsMessagesEventsAndHostFunctionsAreThere) {
  const Outcome outcome = run(group_on_streams(), {.ranks = 4});
  ASSERT_TRUE(outcome.report.all_finished()) << outcome.report.ranks[0].why;
  std::set<std::string> kinds;
  for (const RecordedCall& call : outcome.simulation->record()->calls()) kinds.insert(call.kind);
  EXPECT_THAT(kinds, IsSupersetOf({"GroupEnd", "SendRecv", "StreamWaitEvent", "HostFunc",
                                   "EventSynchronize", "StreamSynchronize", "StreamDestroy"}));
  for (const RecordedCall* const call : calls_of(outcome, "SendRecv")) {
    EXPECT_EQ(call->bytes, 8192U);
  }
  // The second stream waits for what the first one computes.
  for (const RecordedCall* const call : calls_of(outcome, "StreamWaitEvent")) {
    if (who(outcome, *call).stream > 0) {
      EXPECT_GE(call->end - call->begin, std::chrono::nanoseconds(900));
    }
  }
}

TEST(RecordedCalls, EachExpertsRowsAreCountedWhereTheyCame) {
  const Outcome outcome = run(moe_step(16, 1024), {});
  const RunRecord& record = *outcome.simulation->record();
  std::map<int, std::int64_t> rows;
  for (const RecordedLoad& load : record.loads()) {
    EXPECT_EQ(record.calls()[load.call].kind, "MoeDispatch");
    EXPECT_EQ(who(outcome, record.calls()[load.call]).rank, load.expert);  // one on each rank
    rows[load.expert] += load.rows;
  }
  ASSERT_THAT(rows, SizeIs(16));
  std::int64_t sum = 0;
  for (const auto& [expert, count] : rows) sum += count;
  EXPECT_EQ(sum, 2 * 16 * 16 * 4) << "two steps of 16 ranks, 16 tokens, 4 lanes";
}

TEST(RecordedCalls, OneCallOfAllRanksIsOneOperation) {
  const Outcome outcome = run(all_reduce(4096), {.ranks = 8}, 3);
  const RunRecord& record = *outcome.simulation->record();
  std::vector<RecordedOperation> reductions;
  for (const RecordedOperation& operation : operations_of_calls(record)) {
    EXPECT_THAT(operation.begins, SizeIs(8)) << operation.name;
    if (operation.name == "AllReduce") reductions.push_back(operation);
  }
  ASSERT_THAT(reductions, SizeIs(4));
  const std::vector<RecordedOperation> marks = operations_of_marks(record);
  ASSERT_THAT(marks, SizeIs(3));
  const CriticalPaths paths(record, outcome.simulation->topology());
  for (std::size_t i = 0; i < marks.size(); ++i) {
    // Nothing but the call lies between the marks.
    EXPECT_EQ(reductions[i + 1].begin, marks[i].begin);
    EXPECT_EQ(reductions[i + 1].end, marks[i].end);
    EXPECT_EQ(paths.of(reductions[i + 1]).parts, paths.of(marks[i]).parts);
  }
}

TEST(RecordedCalls, HalvesOfASplitThatHaveNamesAreApart) {
  const Program halves{"halves", [](tuttiComm_t comm, int rank, int) {
                         tuttiConfig_t config = TUTTI_CONFIG_INITIALIZER;
                         config.name = rank % 2 == 0 ? "even" : "odd";
                         tuttiComm_t half = nullptr;
                         check(tuttiCommSplit(comm, rank % 2, rank, &half, &config));
                         check(tuttiBarrier(half, nullptr));
                         check(tuttiCommDestroy(half));
                       }};
  const Outcome outcome = run(halves, {.ranks = 8});
  std::size_t of_halves = 0;
  for (const RecordedOperation& operation : operations_of_calls(*outcome.simulation->record())) {
    if (operation.name == "Barrier" && operation.begins.size() == 4) ++of_halves;
  }
  EXPECT_EQ(of_halves, 4U) << "two rounds of two halves";
}

}  // namespace
}  // namespace tutti::ub::test
