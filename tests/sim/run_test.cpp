// tuttiSimRun as users call it: what it returns, what it says, and what its ranks may do.
#include <gmock/gmock.h>

#include <stdexcept>
#include <tuple>

#include "tests/sim/run_fixture.hpp"

namespace tutti::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
  const auto all_of = [](const tuttiSimResult_t& r) {
    return std::tuple(r.end_ps, r.last_arrival_ps, r.bound_ps, r.arrivals_digest, r.payload_digest,
                      r.transfers, r.bytes, r.events, r.finished_ranks, r.first_failed_rank);
  };
  EXPECT_EQ(all_of(first), all_of(result)) << "every run is the same";
}

TEST_F(SimRun, LookingForRacesFindsNoneHereAndChangesNothing) {
  ASSERT_EQ(run(12, sum_up), tuttiSuccess) << sentence();
  const tuttiSimResult_t without = result;
  config.flags = TUTTI_SIM_CHECK_RACES;
  ASSERT_EQ(run(12, sum_up), tuttiSuccess) << sentence();
  EXPECT_EQ(result.arrivals_digest, without.arrivals_digest);
  EXPECT_EQ(result.payload_digest, without.payload_digest);
  EXPECT_EQ(result.end_ps, without.end_ps);
}

// The results are right: both sums are the same.
TEST_F(SimRun, TwoStreamsThatWriteOneBufferRace) {
  const auto two_sums = [this](bool one_after_the_other) {
    return run(3, [=](int rank, int nranks, const tuttiUniqueId& id) {
      tuttiComm_t comm = nullptr;
      tuttiStream_t streams[2] = {};
      void* memory = nullptr;
      EXPECT_EQ(tuttiCommInitRank(&comm, nranks, id, rank), tuttiSuccess);
      EXPECT_EQ(tuttiMemAlloc(&memory, 2 * sizeof(int)), tuttiSuccess);
      int* const numbers = static_cast<int*>(memory);
      numbers[0] = rank;
      for (tuttiStream_t& stream : streams) {
        EXPECT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
        EXPECT_EQ(tuttiAllReduce(numbers, numbers + 1, 1, tuttiInt32, tuttiSum, comm, stream),
                  tuttiSuccess);
        if (one_after_the_other) {
          EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
        }
      }
      for (const tuttiStream_t stream : streams) {
        EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
        EXPECT_EQ(tuttiStreamDestroy(stream), tuttiSuccess);
      }
      EXPECT_EQ(numbers[1], 3);
      EXPECT_EQ(tuttiMemFree(memory), tuttiSuccess);
      return tuttiCommDestroy(comm);
    });
  };
  config.flags = TUTTI_SIM_CHECK_RACES;
  EXPECT_EQ(two_sums(true), tuttiSuccess) << sentence();
  EXPECT_EQ(two_sums(false), tuttiInternalError);
  EXPECT_THAT(sentence(), AllOf(HasSubstr("races, the first of which: rank"),
                                HasSubstr("AllReduce"), HasSubstr("any line that rank")));
  EXPECT_EQ(result.finished_ranks, 3);
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
