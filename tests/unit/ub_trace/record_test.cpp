// What a record has of a run, and that the run is the same with it.
#include <gmock/gmock.h>

#include "tests/unit/ub_trace/workloads.hpp"

namespace tutti::ub::test {
namespace {

using testing::HasSubstr;

TEST(RunRecord, TimesAndDigestsAreTheSameWithAndWithoutIt) {
  for (const Program& program :
       {all_reduce(kSanitized ? 1 << 14 : 1 << 20), all_to_all(4096), moe_step(16, 1024)}) {
    for (const ModelLevel level : {ModelLevel::kBound, ModelLevel::kMessage, ModelLevel::kCell}) {
      const Outcome with = run(program, {.level = level});
      const Outcome without = run(program, {.level = level, .record_bytes = 0});
      ASSERT_TRUE(with.report.all_finished()) << with.report.ranks[0].why;
      EXPECT_EQ(without.simulation->record(), nullptr);
      EXPECT_EQ(with.report.end, without.report.end) << program.name;
      EXPECT_EQ(with.report.arrivals, without.report.arrivals) << program.name;
      EXPECT_EQ(with.report.payload, without.report.payload) << program.name;
      EXPECT_EQ(with.report.events, without.report.events) << program.name;
    }
  }
}

TEST(RunRecord, HasEveryTransferWithItsTimesInOrder) {
  const Outcome outcome = run(all_to_all(4096), {});
  const RunRecord& record = *outcome.simulation->record();
  ASSERT_EQ(record.transfers().size(), outcome.report.transfers);
  std::uint64_t bytes = 0;
  Picoseconds last{};
  for (const RecordedTransfer& transfer : record.transfers()) {
    bytes += transfer.bytes;
    last = std::max(last, transfer.arrived);
    EXPECT_LE(transfer.started, transfer.first_issue);
    EXPECT_LE(transfer.first_issue, transfer.last_issue);
    EXPECT_LE(transfer.last_issue, transfer.left);
    EXPECT_LE(transfer.left, transfer.arrived);
    if (transfer.from == transfer.to) continue;  // no ports
    EXPECT_LE(transfer.first_issue, transfer.egress);
    EXPECT_LE(transfer.egress, transfer.left);
    EXPECT_LE(transfer.egress, transfer.ingress);
    EXPECT_LE(transfer.ingress, transfer.arrived);
    EXPECT_LE(transfer.arrived, record.out(transfer));
  }
  EXPECT_EQ(bytes, outcome.report.bytes);
  EXPECT_EQ(last, outcome.report.last_arrival);
}

TEST(RunRecord, SpansOfAFibreFollowEachOtherAndWaitsKnowTheirCause) {
  const Outcome outcome = run(moe_step(16, 1024), {});
  const RunRecord& record = *outcome.simulation->record();
  std::size_t waits = 0;
  std::size_t known = 0;
  ASSERT_EQ(record.fibres().size(), 16U);
  for (const RecordedFibre& fibre : record.fibres()) {
    Picoseconds time = fibre.begin;
    for (const RecordedSpan& span : fibre.spans) {
      EXPECT_LE(time, span.begin);
      EXPECT_LT(span.begin, span.end);
      time = span.end;
      if (span.what != Activity::kWait) continue;
      ++waits;
      if (span.cause == RecordedSpan::Cause::kUnknown) continue;
      ++known;
      if (span.cause != RecordedSpan::Cause::kDelivery) continue;
      const RecordedTransfer& cause = record.transfers()[span.by];
      EXPECT_EQ(record.out(cause), span.end);
      EXPECT_EQ(cause.to, fibre.who.rank);
    }
  }
  EXPECT_GT(waits, 100U);
  EXPECT_EQ(known, waits);
}

TEST(RunRecord, AStreamIsAFibreThatItsRankMade) {
  const Outcome outcome = run(all_gather_on_a_stream(65536), {.ranks = 4});
  const RunRecord& record = *outcome.simulation->record();
  std::size_t streams = 0;
  for (const RecordedFibre& fibre : record.fibres()) {
    if (fibre.who.stream == 0) continue;
    ++streams;
    ASSERT_NE(fibre.by, kNoRecord);
    EXPECT_EQ(record.fibres()[fibre.by].who.rank, fibre.who.rank);
  }
  EXPECT_EQ(streams, 8U) << "two operations of four ranks";
}

TEST(RunRecord, OneThatWouldNotFitEndsTheRunWithTheNumber) {
  const Outcome outcome = run(all_to_all(4096), {.record_bytes = 20000});
  EXPECT_FALSE(outcome.report.all_finished());
  EXPECT_TRUE(outcome.simulation->record()->full());
  EXPECT_LE(outcome.simulation->record()->bytes(), 20000U);
  std::string why;
  for (const RankEnd& end : outcome.report.ranks) why += end.why;
  EXPECT_THAT(why, HasSubstr("needs more than 20000 bytes"));
}

}  // namespace
}  // namespace tutti::ub::test
