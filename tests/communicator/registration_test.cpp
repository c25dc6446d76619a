#include <gtest/gtest.h>
#include <tutti/tutti.h>

#include <atomic>
#include <string>
#include <vector>

#include "tests/communicator/census.hpp"
#include "tests/support/thread_world.hpp"

namespace tutti::test {
namespace {

class Memory {
 public:
  explicit Memory(std::size_t bytes) {
    EXPECT_EQ(tuttiMemAlloc(&data_, bytes), tuttiSuccess) << tuttiGetLastError(nullptr);
  }
  ~Memory() { EXPECT_EQ(tuttiMemFree(data_), tuttiSuccess) << tuttiGetLastError(nullptr); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void* get() const { return data_; }
  std::byte* bytes() const { return static_cast<std::byte*>(data_); }

 private:
  void* data_ = nullptr;
};

class Window : public ::testing::TestWithParam<int> {};

TEST_P(Window, KeepsItsMemoryUntilItIsDeregistered) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    const Memory memory(100000 + static_cast<std::size_t>(rank));
    tuttiWindow_t plain = nullptr;
    tuttiWindow_t symmetric = nullptr;
    ASSERT_EQ(
        tuttiCommWindowRegister(world[rank], memory.get(), 100000 + static_cast<std::size_t>(rank),
                                &plain, TUTTI_WIN_DEFAULT),
        tuttiSuccess)
        << tuttiGetLastError(world[rank]);
    ASSERT_EQ(tuttiCommWindowRegister(world[rank], memory.bytes() + 64, 4096, &symmetric,
                                      TUTTI_WIN_COLL_SYMMETRIC),
              tuttiSuccess);
    EXPECT_EQ(tuttiMemFree(memory.get()), tuttiInvalidUsage);
    EXPECT_NE(std::string(tuttiGetLastError(nullptr)).find("communicator \"world\""),
              std::string::npos)
        << tuttiGetLastError(nullptr);
    EXPECT_EQ(tuttiCommWindowDeregister(world[rank], plain), tuttiSuccess);
    EXPECT_EQ(tuttiCommWindowDeregister(world[rank], plain), tuttiInvalidArgument);
    EXPECT_EQ(tuttiMemFree(memory.get()), tuttiInvalidUsage);
    EXPECT_EQ(tuttiCommWindowDeregister(world[rank], symmetric), tuttiSuccess);
  });
}

TEST_P(Window, EndsWithItsCommunicator) {
  ThreadWorld world(GetParam());
  on_ranks(world.ranks(), [&](int rank) {
    const Memory memory(4096);
    tuttiWindow_t window = nullptr;
    ASSERT_EQ(tuttiCommWindowRegister(world[rank], memory.get(), 4096, &window, 0), tuttiSuccess);
    ASSERT_EQ(tuttiCommDestroy(world.take(rank)), tuttiSuccess);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, Window, ::testing::Values(1, 2, 3, 8));

TEST(WindowErrors, SymmetricSizesMustAgree) {
  ThreadWorld world(3);
  on_ranks(3, [&](int rank) {
    const Memory memory(8192);
    tuttiWindow_t window = nullptr;
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], memory.get(), rank == 1 ? 8192 : 4096, &window,
                                      TUTTI_WIN_COLL_SYMMETRIC),
              tuttiMismatch);
    EXPECT_NE(std::string(tuttiGetLastError(world[rank])).find("rank 1"), std::string::npos);
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], memory.get(), 4096, &window, rank == 2 ? 1 : 0),
              tuttiMismatch);
    EXPECT_EQ(window, nullptr);
    EXPECT_EQ(census(world[rank], rank), 7u);
  });
}

TEST(WindowErrors, OnlyOneAllocationOfTheHeapCanBeAWindow) {
  ThreadWorld world(2);
  on_ranks(2, [&](int rank) {
    const Memory memory(4096);
    std::vector<std::byte> foreign(4096);
    tuttiWindow_t window = nullptr;
    // The other rank hears of it at once.
    void* const buffer = rank == 0 ? memory.get() : static_cast<void*>(foreign.data());
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], buffer, 4096, &window, 0),
              rank == 0 ? tuttiRemoteError : tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], memory.get(), 4097, &window, 0),
              tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], memory.get(), 0, &window, 0),
              tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], nullptr, 8, &window, 0), tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], memory.get(), 8, nullptr, 0),
              tuttiInvalidArgument);
    EXPECT_EQ(tuttiCommWindowRegister(world[rank], memory.get(), 8, &window, 7),
              tuttiInvalidArgument);
    EXPECT_EQ(census(world[rank], rank), 3u);
  });
}

TEST(Registration, TakesAnyMemoryAndKeepsWhatIsOfTheHeap) {
  ThreadWorld world(1);
  ThreadWorld other(1);
  const Memory memory(4096);
  std::vector<std::byte> foreign(1000);
  void* first = nullptr;
  void* second = nullptr;
  ASSERT_EQ(tuttiCommRegister(world[0], foreign.data(), foreign.size(), &first), tuttiSuccess);
  ASSERT_EQ(tuttiCommRegister(world[0], memory.bytes() + 8, 100, &second), tuttiSuccess);
  EXPECT_EQ(tuttiMemFree(memory.get()), tuttiInvalidUsage);
  EXPECT_NE(std::string(tuttiGetLastError(nullptr)).find("\"world\""), std::string::npos);
  EXPECT_EQ(tuttiCommDeregister(other[0], second), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommWindowDeregister(world[0], static_cast<tuttiWindow_t>(second)),
            tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommDeregister(world[0], second), tuttiSuccess);
  EXPECT_EQ(tuttiCommDeregister(world[0], second), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommDeregister(world[0], first), tuttiSuccess);
  EXPECT_EQ(tuttiCommDeregister(world[0], nullptr), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommRegister(world[0], nullptr, 8, &first), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommRegister(world[0], foreign.data(), 0, &first), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommRegister(world[0], foreign.data(), SIZE_MAX, &first), tuttiInvalidArgument);
  EXPECT_EQ(tuttiCommRegister(world[0], foreign.data(), 8, nullptr), tuttiInvalidArgument);
}

TEST(BuffersInFlight, CannotBeFreedUntilTheOperationIsDone) {
  ThreadWorld world(1);
  const Memory memory(4096);
  tuttiStream_t stream = nullptr;
  ASSERT_EQ(tuttiStreamCreate(&stream), tuttiSuccess);
  std::atomic<bool> go{false};
  const auto wait = [](void* flag) {
    while (!static_cast<std::atomic<bool>*>(flag)->load()) std::this_thread::yield();
  };
  ASSERT_EQ(tuttiLaunchHostFunc(stream, wait, &go), tuttiSuccess);
  ASSERT_EQ(tuttiAllReduce(memory.get(), memory.get(), 16, tuttiInt32, tuttiSum, world[0], stream),
            tuttiSuccess);
  EXPECT_EQ(tuttiMemFree(memory.get()), tuttiInvalidUsage);
  EXPECT_NE(std::string(tuttiGetLastError(nullptr)).find("an operation on"), std::string::npos);
  // More than the allocation has is noticed before anything runs.
  EXPECT_EQ(
      tuttiAllReduce(memory.get(), memory.get(), 4096, tuttiInt32, tuttiSum, world[0], stream),
      tuttiInvalidArgument);
  go = true;
  EXPECT_EQ(tuttiStreamSynchronize(stream), tuttiSuccess);
  tuttiStreamDestroy(stream);
}

}  // namespace
}  // namespace tutti::test
