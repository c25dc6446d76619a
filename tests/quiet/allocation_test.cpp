// The small-message path asks for no memory. Ranks are threads, so every rank's calls are counted.
//
// A rank that waits for more than 20 ms looks for who is missing, and may ask for memory then:
// calls that took as long, on a machine that is busy with other things, are not judged.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>

#include "tests/quiet/allocations.hpp"
#include "tests/quiet/calls.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {

namespace {

class QuietAllocations : public testing::TestWithParam<const char*> {};

using SteadyTime = std::chrono::steady_clock;
constexpr auto kLongCall = std::chrono::milliseconds(10);
constexpr int kWarm = 100;
constexpr int kBatch = 100;
constexpr int kBatches = 100;
// On a busy machine a hundred batches may take too long; some must do.
constexpr auto kPatience = std::chrono::seconds(5);
constexpr int kFewBatches = 3;

}  // namespace

TEST(CountedAllocations, AreCounted) {
  const std::uint64_t before = allocations_of_this_thread();
  void* volatile block = std::malloc(10);  // volatile: the compiler may not leave it out
  std::free(block);
  EXPECT_EQ(allocations_of_this_thread(), before + 1);
  std::string* volatile text = new std::string(100, 'x');
  delete text;
  EXPECT_EQ(allocations_of_this_thread(), before + 3);
}

TEST_P(QuietAllocations, WarmCallsAskForNoMemory) {
  std::atomic<int> judged{0};
  std::atomic<std::uint64_t> allocations{0};
  std::atomic<bool> more{true};
  std::barrier together(2);
  {
    const ThreadWorld world(2);
    world.run([&](int rank, tuttiComm_t comm) {
      const auto call = make_call(GetParam(), comm);
      EXPECT_NE(call, nullptr) << tuttiGetLastError(comm);
      if (call == nullptr) std::abort();  // the other rank waits for this one
      for (int i = 0; i < kWarm; ++i) expect_ok((*call)(), comm);
      const auto end = SteadyTime::now() + kPatience;
      for (int batch = 0; batch < kBatches; ++batch) {
        if (rank == 0) more = batch < kFewBatches || SteadyTime::now() < end;
        together.arrive_and_wait();
        if (!more) break;
        for (int i = 0; i < kBatch; ++i) {
          const auto start = SteadyTime::now();
          const std::uint64_t before = allocations_of_this_thread();
          const tuttiResult_t result = (*call)();
          const std::uint64_t count = allocations_of_this_thread() - before;
          EXPECT_EQ(result, tuttiSuccess);
          if (SteadyTime::now() - start >= kLongCall) continue;
          judged.fetch_add(1, std::memory_order_relaxed);
          allocations.fetch_add(count, std::memory_order_relaxed);
        }
        together.arrive_and_wait();
      }
    });
  }
  EXPECT_GT(judged.load(), 0);
  EXPECT_EQ(allocations.load(), 0U) << "in " << judged.load() << " calls";
}

INSTANTIATE_TEST_SUITE_P(Calls, QuietAllocations,
                         testing::Values("all_reduce_8", "all_reduce_4096", "all_to_all_8",
                                         "all_to_all_4096", "barrier", "moe"));

}  // namespace tutti::test
