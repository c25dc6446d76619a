// Statistics, culprits and the JSON report.
#include "perf/common/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "perf/tutti_perf/board.hpp"
#include "perf/tutti_perf/culprits.hpp"

namespace tutti::perf {
namespace {

TEST(PerfStatistics, TimesAreTheMaximumOverRanksSampleBySample) {
  const double samples[] = {1, 5, 3, 2, 4, 9};  // two ranks, three samples
  const Statistics s = summarize(samples, 2);
  EXPECT_EQ(s.min, 2);
  EXPECT_EQ(s.p50, 5);
  EXPECT_EQ(s.p99, 9);
  EXPECT_EQ(s.max, 9);
  EXPECT_NEAR(s.avg, (2 + 5 + 9) / 3.0, 1e-12);
  EXPECT_EQ(s.rank_mean, 4);
}

TEST(PerfStatistics, ABatchLastsAtLeastTwentyMicroseconds) {
  EXPECT_EQ(batch_for(25), 1u);
  EXPECT_EQ(batch_for(3), 7u);
  EXPECT_GT(batch_for(0), 1u);
}

TEST(PerfCulprits, RanksAreReadFromWordsBeforeTheBar) {
  EXPECT_EQ(named_ranks("all_reduce: rank 3 died | rank 1 waited 5 ms"), (std::vector<int>{3}));
  EXPECT_EQ(named_ranks("waited for ranks 7, 2 and 11 of 12"), (std::vector<int>{2, 7, 11}));
  EXPECT_EQ(named_ranks("the operating system refused"), (std::vector<int>{}));
}

TEST(PerfReport, FieldsAreThoseOfSchemaOne) {
  Report report{.tutti = "0.1.0", .op = "all_reduce"};
  report.rows.push_back({});
  report.rows_json = to_json(Row{.bytes = 8}) + "," + to_json(Row{.bytes = 16});
  const auto json = nlohmann::json::parse(to_json(report));
  for (const char* key :
       {"schema", "tutti", "commit", "op", "ranks", "rank_kind", "transport", "fabric", "clock",
        "digest", "machine", "startup_ms", "peak_bytes", "error", "rows"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  ASSERT_EQ(json["rows"].size(), 3u);
  EXPECT_EQ(json["rows"][2]["bytes"], 16);
  for (const char* key :
       {"bytes", "per_peer_bytes", "count", "type", "redop", "buffers", "placement", "mode",
        "phase", "moe", "algorithm", "iters", "batch", "oversubscribed", "bound_us", "time_us",
        "algbw_GBps", "busbw_GBps", "wrong"}) {
    EXPECT_TRUE(json["rows"][1].contains(key)) << key;
  }
  EXPECT_TRUE(json["rows"][1]["wrong"].is_null());
  EXPECT_TRUE(json["error"].is_null());
}

TEST(PerfBoard, TheRankThatDiedExplainsTheOthers) {
  Board board(4);
  EXPECT_FALSE(board.failure());
  board.fail(0, tuttiRemoteError, "rank 2 is dead", {2});
  EXPECT_EQ(board.failure()->code, tuttiRemoteError);
  board.fail(2, tuttiRemoteError, "rank 2 was killed by signal 9", {2});
  EXPECT_EQ(board.failure()->message, "rank 2 was killed by signal 9");
  board.fail(2, tuttiTimeout, "a later one", {});
  EXPECT_EQ(board.failure_of(2)->message, "rank 2 was killed by signal 9");
}

TEST(PerfBoard, RowsAreJoinedInOrder) {
  Board board(1);
  EXPECT_EQ(board.rows(), "");
  board.add_row("{}");
  board.add_row("{\"bytes\":8}");
  EXPECT_EQ(board.rows(), "{},{\"bytes\":8}");
}

}  // namespace
}  // namespace tutti::perf
