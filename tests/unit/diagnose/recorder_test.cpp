#include "diagnose/recorder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tutti {
namespace {

TEST(Recorder, TellsWhatIsDoneFailedAndStillRunning) {
  OperationRecorder recorder(TickScale::of_nanoseconds());
  const OperationFacts sum = {
      .kind = "AllReduce", .count = 12, .type = tuttiFloat32, .op = tuttiSum};
  recorder.issue(17, sum, 1'000);
  recorder.finish(17, OperationState::kDone, 2'200);
  recorder.issue(18, {.kind = "Barrier"}, 5'000);
  recorder.finish(18, OperationState::kFailed, 5'007);
  recorder.issue(19, {.kind = "Gather", .count = 1, .type = tuttiInt8, .root = 2}, 1'001'000);
  EXPECT_EQ(recorder.dump(3'001'001'000),
            (std::vector<std::string>{
                "#17 AllReduce(count=12, float, sum): done in 1.2 us, issued 3.0 s ago",
                "#18 Barrier: failed after 7 ns, issued 3.0 s ago",
                "#19 Gather(count=1, int8, root 2): not finished, issued 3.0 s ago"}));
}

TEST(Recorder, ShowsNoDurationForWhatWasNotTimed) {
  OperationRecorder recorder(TickScale::of_nanoseconds());
  recorder.issue(4, {.kind = "Barrier"}, 5'000);
  recorder.finish(4, OperationState::kDone, OperationRecorder::kUntimed);
  EXPECT_EQ(recorder.dump(8'000),
            (std::vector<std::string>{"#4 Barrier: done, issued 3.0 us ago"}));
}

TEST(Recorder, KeepsTheLastOnesInOrder) {
  OperationRecorder recorder(TickScale::of_nanoseconds());
  constexpr std::uint64_t kFirst = 1000;
  constexpr std::uint64_t kCount = OperationRecorder::kEntries * 2 + 5;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    recorder.issue(kFirst + i, {.kind = "Barrier"}, i);
    recorder.finish(kFirst + i, OperationState::kDone, i);
  }
  const auto lines = recorder.dump(kCount);
  ASSERT_EQ(lines.size(), OperationRecorder::kEntries);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto sequence = kFirst + kCount - OperationRecorder::kEntries + i;
    EXPECT_TRUE(lines[i].starts_with(fmt::format("#{} Barrier", sequence))) << lines[i];
  }
}

TEST(Recorder, FinishingWhatIsNotThereChangesNothing) {
  OperationRecorder recorder(TickScale::of_nanoseconds());
  recorder.finish(3, OperationState::kDone, 1);
  EXPECT_TRUE(recorder.dump(1).empty());
  recorder.issue(3 + OperationRecorder::kEntries, {.kind = "Barrier"}, 1);
  recorder.finish(3, OperationState::kFailed, 1);
  EXPECT_NE(recorder.dump(1).at(0).find("not finished"), std::string::npos);
}

TEST(Recorder, DumpsFromAnotherThreadNeverMixOperations) {
  OperationRecorder recorder(TickScale::of_nanoseconds());
  constexpr const char* kKinds[] = {"AllReduce", "AllGather", "AlltoAll"};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    // From 1: an end at 0 would read as an operation that was not timed.
    for (std::uint64_t sequence = 1; !stop.load(std::memory_order_relaxed); ++sequence) {
      recorder.issue(sequence, {.kind = kKinds[sequence % 3], .count = sequence}, sequence);
      recorder.finish(sequence, OperationState::kDone, sequence + sequence % 7);
    }
  });
  std::size_t seen = 0;
  for (int round = 0; round < 300 || seen < 100; ++round)
    for (const std::string& line : recorder.dump(0)) {
      ++seen;
      const std::uint64_t sequence = std::stoull(line.substr(1));
      const std::string expected =
          fmt::format("#{} {}(count={}): ", sequence, kKinds[sequence % 3], sequence);
      ASSERT_TRUE(line.starts_with(expected)) << line;
      const std::string done = fmt::format("done in {} ns", sequence % 7);
      EXPECT_TRUE(line.find(done) != std::string::npos ||
                  line.find("not finished") != std::string::npos)
          << line;
    }
  stop = true;
  writer.join();
}

TEST(Ticks, AreScaledToRealTime) {
  const TickScale scale = TickScale::of_processor();
  const Nanoseconds outer_start = steady_now();
  const std::uint64_t first = ticks();
  const Nanoseconds inner_start = steady_now();
  while (steady_now() - inner_start < std::chrono::milliseconds(50)) {
  }
  const Nanoseconds inner = steady_now() - inner_start;
  const std::uint64_t second = ticks();
  const Nanoseconds outer = steady_now() - outer_start;
  const Nanoseconds measured = scale.time_between(first, second);
  EXPECT_GT(measured, inner / 4);  // wide: a busy machine may stop us between the two clocks
  EXPECT_LT(measured, outer * 4);
  EXPECT_EQ(scale.time_between(second, first), Nanoseconds(0));
}

}  // namespace
}  // namespace tutti
