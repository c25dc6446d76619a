#include "memory/heap.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <thread>
#include <tutti/error.hpp>

#include "tests/support/scale.hpp"

namespace tutti {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::size_t backed_bytes(const Heap& heap) {
  struct stat status {};
  EXPECT_EQ(fstat(heap.handle().fd, &status), 0);
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

bool is_aligned(const void* pointer, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0;
}

bool all_bytes_are(const void* pointer, std::size_t bytes, unsigned char value) {
  const auto* first = static_cast<const unsigned char*>(pointer);
  return std::all_of(first, first + bytes, [&](unsigned char byte) { return byte == value; });
}

template <typename Call>
std::string failure_of(tuttiResult_t code, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

// Runs in a forked child; true when it returned true there.
template <typename Call>
bool in_child(const Call& call) {
  const pid_t child = fork();
  if (child == 0) _exit(call() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Heap, GivesZeroedAlignedMemory) {
  Heap heap(64 * kMiB);
  for (std::size_t bytes : {std::size_t{1}, std::size_t{4096}, 2 * kMiB - 1, 2 * kMiB, 5 * kMiB}) {
    void* pointer = heap.allocate(bytes);
    EXPECT_TRUE(is_aligned(pointer, bytes >= 2 * kMiB ? 2 * kMiB : 4096)) << bytes;
    EXPECT_TRUE(all_bytes_are(pointer, bytes, 0)) << bytes;
    std::memset(pointer, 1, bytes);
  }
  EXPECT_EQ(heap.allocate(0), nullptr);
}

TEST(Heap, FreedMemoryGoesBackAndReadsZeroWhenUsedAgain) {
  Heap heap(16 * kMiB);
  void* first = heap.allocate(3 * kMiB);
  std::memset(first, 0xff, 3 * kMiB);
  EXPECT_GE(backed_bytes(heap), 3 * kMiB);
  heap.free(first);
  EXPECT_EQ(backed_bytes(heap), HeapHeader::kBytes);
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  void* second = heap.allocate(3 * kMiB);
  EXPECT_EQ(second, first);
  EXPECT_TRUE(all_bytes_are(second, 3 * kMiB, 0));
  heap.free(nullptr);
}

TEST(Heap, TellsWhoWatchesBeforeMemoryIsGivenBack) {
  struct Watcher final : HeapWatcher {
    void on_free(std::span<const std::byte> memory) noexcept override {
      ++calls;
      freed = memory;
      still_there = memory[0] == std::byte{7};
    }
    int calls = 0;
    std::span<const std::byte> freed;
    bool still_there = false;
  };
  Heap heap(64 * kMiB);
  Watcher watcher;
  heap.watch(watcher);
  auto* const block = static_cast<std::byte*>(heap.allocate(5000));
  *block = std::byte{7};
  heap.free(block);
  EXPECT_EQ(watcher.calls, 1);
  EXPECT_EQ(watcher.freed.data(), block);
  EXPECT_GE(watcher.freed.size(), 5000U);
  EXPECT_TRUE(watcher.still_there);
  heap.unwatch(watcher);
  heap.free(heap.allocate(5000));
  EXPECT_EQ(watcher.calls, 1);
}

TEST(Heap, OffsetsAreARangeCheckOverTheWholeReserve) {
  Heap heap(16 * kMiB);
  const std::byte* base = heap.base();
  EXPECT_EQ(heap.offset_of(base, 16 * kMiB), 0u);
  EXPECT_EQ(heap.offset_of(base + 100, 16 * kMiB - 100), 100u);
  EXPECT_EQ(heap.offset_of(base + 100, 16 * kMiB - 99), std::nullopt);
  EXPECT_EQ(heap.offset_of(base - 1, 1), std::nullopt);
  EXPECT_EQ(heap.offset_of(base + 16 * kMiB, 1), std::nullopt);
  EXPECT_EQ(heap.offset_of(base + 1, ~std::size_t{0}), std::nullopt);
  int local = 0;
  EXPECT_FALSE(heap.contains(&local, sizeof(local)));
}

TEST(Heap, FindsOnlyWhatLiesInOneLiveAllocation) {
  Heap heap(16 * kMiB);
  auto* first = static_cast<std::byte*>(heap.allocate(5000));
  auto* second = static_cast<std::byte*>(heap.allocate(4096));
  const auto found = heap.find_allocation(first + 100, 4900);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->offset, *heap.offset_of(first, 1));
  EXPECT_EQ(found->bytes, 5000u);
  EXPECT_FALSE(heap.find_allocation(first + 100, 4901));
  EXPECT_FALSE(heap.find_allocation(first, 8192 + 1));
  EXPECT_TRUE(heap.find_allocation(second, 4096));
  heap.free(second);
  EXPECT_FALSE(heap.find_allocation(second, 1));
  EXPECT_TRUE(heap.find_allocation(first, 1));
}

TEST(Heap, OnlyTheStartOfAnAllocationCanBeFreed) {
  Heap heap(16 * kMiB);
  auto* pointer = static_cast<std::byte*>(heap.allocate(8192));
  int local = 0;
  for (void* wrong : {static_cast<void*>(pointer + 4096), static_cast<void*>(pointer + 1),
                      static_cast<void*>(&local), static_cast<void*>(heap.base() + 8 * kMiB)})
    failure_of(tuttiInvalidArgument, [&] { heap.free(wrong); });
  heap.free(pointer);
  failure_of(tuttiInvalidArgument, [&] { heap.free(pointer); });
}

TEST(Heap, PinnedMemoryIsNotFreedAndTheHolderIsNamed) {
  Heap heap(16 * kMiB);
  auto* pointer = static_cast<std::byte*>(heap.allocate(8192));
  {
    HeapPin outer = heap.pin(pointer + 100, 8000, "communicator world");
    {
      const HeapPin inner = heap.pin(pointer, 1, "communicator split");
      EXPECT_NE(failure_of(tuttiInvalidUsage, [&] { heap.free(pointer); }).find("and 1 more"),
                std::string::npos);
    }
    const HeapPin moved = std::move(outer);
    EXPECT_NE(failure_of(tuttiInvalidUsage, [&] { heap.free(pointer); }).find("communicator world"),
              std::string::npos);
    EXPECT_TRUE(heap.find_allocation(pointer, 8192));
  }
  heap.free(pointer);
  failure_of(tuttiInvalidArgument, [&] { auto pin = heap.pin(pointer, 1, "nobody"); });
}

TEST(Heap, AnExhaustedReserveIsAnErrorWithSizesAndHarmsNothing) {
  Heap heap(8 * kMiB);
  void* first = heap.allocate(6 * kMiB);
  std::memset(first, 3, 6 * kMiB);
  for (std::size_t bytes : {3 * kMiB, 9 * kMiB, ~std::size_t{0}, ~std::size_t{0} - 4096}) {
    const std::string message =
        failure_of(tuttiSystemError, [&] { static_cast<void>(heap.allocate(bytes)); });
    EXPECT_NE(message.find(std::to_string(bytes)), std::string::npos) << message;
    EXPECT_NE(message.find(std::to_string(6 * kMiB)), std::string::npos) << message;
  }
  EXPECT_TRUE(all_bytes_are(first, 6 * kMiB, 3));
  heap.free(heap.allocate(2 * kMiB));
}

TEST(Heap, MoreThanTheMachinesMemoryIsAnErrorNotASignal) {
  const std::size_t reserve = std::size_t{1} << 44;
  if (test::kSanitized) {
    GTEST_SKIP() << "sanitizers cannot shadow a reserve beyond the machine's memory";
  }
  Heap heap(reserve);
  const std::string message =
      failure_of(tuttiSystemError, [&] { static_cast<void>(heap.allocate(reserve / 2)); });
  EXPECT_NE(message.find("are available"), std::string::npos) << message;
  EXPECT_EQ(heap.allocated_bytes(), 0u);
  heap.free(heap.allocate(4096));
}

TEST(Heap, AgreesWithAModelUnderRandomUse) {
  struct Piece {
    unsigned char* start;
    std::size_t bytes;
    unsigned char fill;
  };
  Heap heap(64 * kMiB);
  std::vector<Piece> pieces;
  std::mt19937 random(11);
  std::size_t expected = 0;
  for (int step = 0; step < 1500; ++step) {
    if (random() % 5 < 3 || pieces.empty()) {
      const std::size_t bytes =
          random() % 20 == 0 ? random() % (4 * kMiB) + 1 : random() % 60000 + 1;
      if (expected + bytes > 24 * kMiB) continue;
      auto* start = static_cast<unsigned char*>(heap.allocate(bytes));
      ASSERT_TRUE(all_bytes_are(start, bytes, 0)) << "step " << step;
      const auto fill = static_cast<unsigned char>(step % 255 + 1);
      std::memset(start, fill, bytes);
      pieces.push_back({start, bytes, fill});
      expected += (bytes + 4095) / 4096 * 4096;
    } else {
      const std::size_t which = random() % pieces.size();
      const Piece piece = pieces[which];
      ASSERT_TRUE(all_bytes_are(piece.start, piece.bytes, piece.fill)) << "step " << step;
      heap.free(piece.start);
      expected -= (piece.bytes + 4095) / 4096 * 4096;
      pieces.erase(pieces.begin() + static_cast<long>(which));
    }
    ASSERT_EQ(heap.allocated_bytes(), expected);
  }
  for (const Piece& piece : pieces) heap.free(piece.start);
  EXPECT_EQ(backed_bytes(heap), HeapHeader::kBytes);
}

TEST(Heap, ThreadsAllocateAtOnce) {
  Heap heap(64 * kMiB);
  std::vector<std::thread> threads;
  std::array<bool, 4> intact{};
  for (unsigned t = 0; t < intact.size(); ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      bool good = true;
      for (int i = 0; i < 200; ++i) {
        const std::size_t bytes = random() % 30000 + 1;
        void* pointer = heap.allocate(bytes);
        {
          const HeapPin pin = heap.pin(pointer, bytes, "a thread");
          good = good && all_bytes_are(pointer, bytes, 0);
          std::memset(pointer, static_cast<int>(t) + 1, bytes);
          good = good && all_bytes_are(pointer, bytes, static_cast<unsigned char>(t + 1));
        }
        heap.free(pointer);
      }
      intact[t] = good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(intact, (std::array<bool, 4>{true, true, true, true}));
  EXPECT_EQ(heap.allocated_bytes(), 0u);
}

TEST(Heap, AnotherProcessMapsItByItsHandle) {
  Heap& heap = Heap::of_this_process();
  auto* numbers = static_cast<int*>(heap.allocate(3 * kMiB));
  numbers[1234] = 42;
  const std::size_t offset = heap.offset_of(numbers, 3 * kMiB).value();
  const SharedFileHandle handle = heap.handle();
  EXPECT_TRUE(in_child([&] {
    const Descriptor file = open_shared(handle);
    const Mapping whole =
        Mapping::shared(file.get(), 0, handle.bytes, {.reserve_only = true}, "peer");
    int* theirs = reinterpret_cast<int*>(whole.data() + offset);
    const bool seen = theirs[1234] == 42;
    theirs[1235] = 43;
    return seen;
  }));
  EXPECT_EQ(numbers[1235], 43);
  heap.free(numbers);
}

TEST(Heap, AForkedChildDoesNotHaveIt) {
  Heap& heap = Heap::of_this_process();
  EXPECT_EQ(Heap::if_made(), &heap);
  void* pointer = heap.allocate(4096);
  HeapPin pin = heap.pin(pointer, 1, "parent");
  EXPECT_TRUE(in_child([&] {
    failure_of(tuttiInvalidUsage, [] { Heap::of_this_process(); });
    failure_of(tuttiInvalidUsage, [&] { static_cast<void>(heap.allocate(1)); });
    failure_of(tuttiInvalidUsage, [&] { heap.free(pointer); });
    failure_of(tuttiInvalidUsage, [&] { heap.find_allocation(pointer, 1); });
    const HeapPin destroyed = std::move(pin);
    return Heap::if_made() == nullptr && !testing::Test::HasFailure();
  }));
  pin = HeapPin();
  heap.free(pointer);
}

}  // namespace
}  // namespace tutti
