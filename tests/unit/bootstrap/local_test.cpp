// Meeting without sockets: in memory, through callbacks.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "bootstrap/callbacks.hpp"
#include "bootstrap/local_group.hpp"
#include "bootstrap/meeting_client.hpp"
#include "bootstrap/meeting_registry.hpp"
#include "bootstrap/unique_id.hpp"
#include "thread_ranks.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::kPatience;
using test::run_ranks;
using test::says;

class LocalGroupOfRanks : public testing::TestWithParam<int> {};

TEST_P(LocalGroupOfRanks, GathersInRankOrderRoundAfterRound) {
  const int ranks = GetParam();
  LocalGroup group(ranks, kPatience);
  const auto errors = run_ranks(ranks, [&](Rank rank) {
    const auto bootstrap = group.bootstrap(rank);
    for (int round = 0; round < 200; ++round) {
      const auto all = all_gather_value(*bootstrap, rank * 1000 + round);
      for (int r = 0; r < ranks; ++r) {
        ASSERT_EQ(all[static_cast<std::size_t>(r)], r * 1000 + round);
      }
      bootstrap->all_gather({}, {});
    }
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
}

INSTANTIATE_TEST_SUITE_P(Ranks, LocalGroupOfRanks, testing::Values(1, 2, 3, 8, 64),
                         testing::PrintToStringParamName());

TEST(LocalGroup, NamesTheRankThatNeverComesAndStaysFailed) {
  LocalGroup group(3, 200ms);
  const auto errors = run_ranks(3, [&](Rank rank) {
    const auto bootstrap = group.bootstrap(rank);
    if (rank == 1) return std::this_thread::sleep_for(1s);
    const Error first = error_of([&] { all_gather_value(*bootstrap, rank); });
    const Error second = error_of([&] { all_gather_value(*bootstrap, rank); });
    EXPECT_EQ(second.code(), tuttiTimeout) << second.what();
    throw Error(first);
  });
  for (const std::size_t rank : {0U, 2U}) {
    ASSERT_TRUE(errors[rank]);
    EXPECT_EQ(errors[rank]->code(), tuttiTimeout) << errors[rank]->what();
    EXPECT_EQ(errors[rank]->culprits(), std::vector<int>{1}) << errors[rank]->what();
  }
}

TEST(LocalGroup, NamesTheRankThatLeft) {
  LocalGroup group(2, kPatience);
  const auto errors = run_ranks(2, [&](Rank rank) {
    const auto bootstrap = group.bootstrap(rank);
    all_gather_value(*bootstrap, rank);
    if (rank == 0) all_gather_value(*bootstrap, rank);
  });
  EXPECT_FALSE(errors[1]);
  ASSERT_TRUE(errors[0]);
  EXPECT_EQ(errors[0]->code(), tuttiRemoteError) << errors[0]->what();
  EXPECT_EQ(errors[0]->culprits(), std::vector<int>{1}) << errors[0]->what();
}

TEST(LocalGroup, DifferentSizesAreAMismatch) {
  LocalGroup group(2, kPatience);
  const auto errors = run_ranks(2, [&](Rank rank) {
    const auto bootstrap = group.bootstrap(rank);
    rank == 0 ? (void)all_gather_value(*bootstrap, std::int64_t{1})
              : (void)all_gather_value(*bootstrap, std::int32_t{1});
  });
  for (const auto& error : errors) {
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), tuttiMismatch) << error->what();
  }
}

TEST(LocalGroup, RanksAreTakenOnceAndLieInside) {
  LocalGroup group(2, kPatience);
  const auto zero = group.bootstrap(0);
  EXPECT_EQ(error_of([&] { group.bootstrap(0); }).code(), tuttiInvalidUsage);
  EXPECT_EQ(error_of([&] { group.bootstrap(2); }).code(), tuttiInvalidArgument);
  EXPECT_EQ(error_of([&] { group.bootstrap(-1); }).code(), tuttiInvalidArgument);
  EXPECT_EQ(error_of([&] { LocalGroup(0, kPatience); }).code(), tuttiInvalidArgument);
  std::byte mine{}, all[3];
  EXPECT_EQ(error_of([&] { zero->all_gather({&mine, 1}, all); }).code(), tuttiInvalidArgument);
}

TEST(Callbacks, CarryBlobsThroughTheCallersAllGather) {
  LocalGroup group(3, kPatience);
  const auto errors = run_ranks(3, [&](Rank rank) {
    const auto inner = group.bootstrap(rank);
    const auto allgather = [](void* user, const void* mine, void* all, std::size_t bytes) {
      auto& wire = *static_cast<Bootstrap*>(user);
      wire.all_gather({static_cast<const std::byte*>(mine), bytes},
                      {static_cast<std::byte*>(all), bytes * 3});
      return 0;
    };
    const auto bootstrap = make_callback_bootstrap(3, rank, allgather, inner.get());
    EXPECT_EQ(all_gather_value(*bootstrap, rank + 5), (std::vector<int>{5, 6, 7}));
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
}

TEST(Callbacks, AreNeverAskedToGatherNothing) {
  const auto strict = [](void*, const void* mine, void* all, std::size_t bytes) {
    return mine != nullptr && all != nullptr && bytes > 0 ? 0 : 1;
  };
  const auto bootstrap = make_callback_bootstrap(3, 1, strict, nullptr);
  EXPECT_NO_THROW(bootstrap->all_gather({}, {}));
}

TEST(Callbacks, ANonZeroAnswerIsARemoteError) {
  const auto failing = [](void*, const void*, void*, std::size_t) { return 17; };
  const auto bootstrap = make_callback_bootstrap(2, 1, failing, nullptr);
  const Error error = error_of([&] { all_gather_value(*bootstrap, 0); });
  EXPECT_EQ(error.code(), tuttiRemoteError);
  EXPECT_TRUE(says(error, "returned 17")) << error.what();
  EXPECT_EQ(error_of([&] { make_callback_bootstrap(2, 2, failing, nullptr); }).code(),
            tuttiInvalidArgument);
  EXPECT_EQ(error_of([&] { make_callback_bootstrap(2, 0, nullptr, nullptr); }).code(),
            tuttiInvalidArgument);
}

TEST(MeetingRegistry, ForgetsMeetingsThatHaveEnded) {
  MeetingRegistry registry;
  const auto never_used = registry.host();
  const auto id = registry.host();
  EXPECT_NE(encode(id), encode(never_used));
  EXPECT_EQ(registry.open(), 2U);
  const auto errors = run_ranks(2, [&](Rank rank) {
    const auto bootstrap = join_meeting(id, 2, rank, kPatience);
    EXPECT_EQ(all_gather_value(*bootstrap, rank), (std::vector<int>{0, 1}));
  });
  for (const auto& error : errors) EXPECT_FALSE(error) << error->what();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (registry.open() > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(registry.open(), 1U);
}

#if !defined(__SANITIZE_THREAD__)  // which does not follow a fork with threads
TEST(MeetingRegistry, AForkedChildExitsAndCannotHost) {
  MeetingRegistry::of_process().host();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Error error = error_of([] { MeetingRegistry::of_process().host(); });
    std::exit(error.code() == tuttiInvalidUsage ? 0 : 1);  // runs the registry's destructor
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}
#endif

}  // namespace
}  // namespace tutti
