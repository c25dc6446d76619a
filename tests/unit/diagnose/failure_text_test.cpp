#include "diagnose/failure_text.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/log_environment.hpp"

namespace tutti {
namespace {

TEST(FailureText, NamesCodeOperationCommunicatorCulpritReasonAndTransport) {
  const Error error = error_of({.code = tuttiTimeout,
                                .reason = FailureReason::kStalled,
                                .operation = "AllReduce(count=12, float, sum)",
                                .sequence = 7,
                                .communicator = "world",
                                .culprits = {5, 3, 5},
                                .transport = "shm",
                                .detail = "deadline 30000 ms"});
  EXPECT_EQ(error.code(), tuttiTimeout);
  EXPECT_EQ(error.culprits(), (std::vector<int>{3, 5}));
  EXPECT_STREQ(
      error.what(),
      "tuttiTimeout: AllReduce(count=12, float, sum), sequence 7 on \"world\": ranks 3, 5 did "
      "not arrive before the deadline (stalled), deadline 30000 ms, transport shm");
}

TEST(FailureText, LeavesOutWhatIsNotKnown) {
  const Error error = error_of({.code = tuttiRemoteError,
                                .reason = FailureReason::kDead,
                                .operation = "",
                                .sequence = std::nullopt,
                                .communicator = "world",
                                .culprits = {2},
                                .transport = "",
                                .detail = ""});
  EXPECT_STREQ(error.what(), "tuttiRemoteError: on \"world\": rank 2 died (dead)");
}

TEST(FailureText, EveryReasonReadsDifferently) {
  std::vector<std::string> texts;
  for (int reason = 0; reason <= static_cast<int>(FailureReason::kProtocol); ++reason) {
    Failure failure;
    failure.reason = static_cast<FailureReason>(reason);
    texts.push_back(error_of(failure).what());
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::unique(texts.begin(), texts.end()), texts.end());
}

TEST(FailureText, LocalFactsFollowTheBarOnce) {
  const std::string facts = "host " + host_name() + ", pid " + std::to_string(getpid());
  const std::string once = with_local_facts("tuttiTimeout: x", std::chrono::milliseconds(1500));
  EXPECT_EQ(once, "tuttiTimeout: x | waited 1500 ms, " + facts);
  EXPECT_EQ(with_local_facts(once, std::nullopt), once);
  EXPECT_EQ(with_local_facts("y", std::nullopt), "y | " + facts);
}

TEST(FailureText, RunsOfRanksAreShort) {
  EXPECT_EQ(rank_list({3}), "rank 3");
  EXPECT_EQ(rank_list({2, 1}), "ranks 1, 2");
  EXPECT_EQ(rank_list({7, 0, 1, 2, 3, 9, 10}), "ranks 0-3, 7, 9, 10");
}

TEST(FailureText, EveryCodeHasItsName) {
  for (int code : {0, 1, 2, 3, 4, 5, 6, 7, 100, 101, 102, 103, 104, 105})
    EXPECT_TRUE(std::string_view(name_of(static_cast<tuttiResult_t>(code))).starts_with("tutti"))
        << code;
  EXPECT_STREQ(name_of(tuttiAborted), "tuttiAborted");
}

}  // namespace
}  // namespace tutti
