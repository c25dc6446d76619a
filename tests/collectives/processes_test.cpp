// Private memory of other processes: copied by the kernel, or, with TUTTI_IN_PLACE=0, through
// staging. (Ranks of the other tests are threads, which read any memory in place.)
#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <string_view>

#include "tests/collectives/exchange_job.hpp"
#include "tests/support/process_world.hpp"

namespace tutti::test {
namespace {

// Below and above the sizes from which rows are copied by the kernel, or in chunks.
constexpr std::size_t kCounts[] = {0, 300, 8'000, 8'200, 65'600, 150'001};

void all_reduce(int rank, int ranks, tuttiComm_t comm, std::size_t count, bool in_place) {
  Buffer send(Memory::kPlain, count * kSize);
  Buffer other(Memory::kPlain, count * kSize);
  Buffer& recv = in_place ? send : other;
  fill(words(send), count, rank, kAll);
  expect_ok(tuttiAllReduce(send.data(), recv.data(), count, tuttiUint32, tuttiSum, comm, nullptr),
            comm);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t sum = 0;
    for (int r = 0; r < ranks; ++r) sum += element(r, kAll, i);
    if (words(recv)[i] == sum) continue;
    ADD_FAILURE() << "all_reduce: element " << i << " of " << count;
    return;
  }
}

class OfProcesses : public testing::TestWithParam<std::tuple<int, const char*, const char*>> {};

TEST_P(OfProcesses, PrivateMemoryIsMovedWhole) {
  const auto& [ranks_param, in_place_param, algorithm] = GetParam();
  const int ranks = ranks_param;
  const ScopedVariable copies("TUTTI_IN_PLACE", in_place_param);
  const ScopedVariable forced("TUTTI_ALGO", algorithm);
  // An assembly reduces a few KiB only.
  const bool reduces = std::string_view(algorithm) == "exchange";
  ProcessWorld world(ranks, 60'000, [ranks, reduces](int rank, tuttiComm_t comm) {
    for (int round = 0; round < 3; ++round) {
      for (const std::size_t count : kCounts) {
        for (const bool in_place : {false, true}) {
          ExchangeJob(rank, ranks, comm, {count, in_place, Memory::kPlain}).run();
          if (reduces) all_reduce(rank, ranks, comm, count, in_place);
        }
        const Memory mixed = rank % 2 == 0 ? Memory::kSymmetric : Memory::kPlain;
        ExchangeJob(rank, ranks, comm, {count, false, mixed}).run();
      }
    }
    return testing::Test::HasFailure() ? 1 : 0;
  });
  for (int rank = 0; rank < ranks; ++rank) EXPECT_EQ(world.wait(rank), 0) << "rank " << rank;
}

INSTANTIATE_TEST_SUITE_P(Ranks, OfProcesses,
                         testing::Combine(testing::Values(2, 3, 5), testing::Values("1", "0"),
                                          testing::Values("exchange", "assembly")));

}  // namespace
}  // namespace tutti::test
