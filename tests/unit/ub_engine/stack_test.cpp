#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <tutti/error.hpp>

#include "tests/support/scale.hpp"
#include "transports/ub/engine/stack_pool.hpp"
#include "world.hpp"

namespace tutti::ub {
namespace {

using End = Scheduler::End;

TEST(StackPool, StacksAreReusedLastGivenBackFirstUsed) {
  StackPool pool(64 << 10);
  const Stack a = pool.acquire();
  const Stack b = pool.acquire();
  EXPECT_NE(a.low, b.low);
  pool.release(a);
  pool.release(b);
  EXPECT_EQ(pool.acquire().low, b.low);
  EXPECT_EQ(pool.acquire().low, a.low);
  EXPECT_EQ(pool.made(), 2u);
}

TEST(StackPool, SizesAreRoundedUpToPagesAndAllOfItCanBeUsed) {
  StackPool pool((64 << 10) + 1);
  std::set<std::uintptr_t> colours;
  for (int i = 0; i < 40; ++i) {
    const Stack stack = pool.acquire();
    EXPECT_GE(stack.size(), 64u << 10);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(stack.low) % 4096, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(stack.high) % 64, 0u);
    colours.insert(reinterpret_cast<std::uintptr_t>(stack.high) % 4096);
    std::memset(stack.low, 1, stack.size());
  }
  EXPECT_EQ(colours.size(), 16u) << "tops of stacks do not share one place of a page";
}

TEST(StackPool, TooSmallIsAnErrorThatSaysTheLeast) {
  for (const std::size_t bytes : {std::size_t{0}, StackPool::kSmallest - 1, ~std::size_t{0}}) {
    try {
      StackPool pool(bytes);
      ADD_FAILURE() << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), tuttiInvalidArgument);
    }
  }
  EXPECT_THROW(World({.stack_bytes = 1000}), Error);
}

TEST(StackPool, WithoutRoomItIsASystemError) {
  StackPool pool(std::size_t{1} << 48);
  try {
    pool.acquire();
    ADD_FAILURE() << "there is room for everything";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), tuttiSystemError);
  }
}

// Uses at least `bytes` of stack, touching every page.
[[gnu::noinline]] int dig(std::size_t bytes) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(bytes);
  const int below = bytes > sizeof frame ? dig(bytes - sizeof frame) : 0;
  return below + frame[0];
}

TEST(FibreStack, HasTheSizeThatWasAskedFor) {
  for (const std::size_t kilobytes : {256u, 8192u}) {
    World world({.stack_bytes = kilobytes << 10});
    world.spawn(0, [&] {
      // The sanitizers' frames are larger than what they hold.
      dig((kilobytes << 10) / 8);
      world.scheduler.advance(ps(1));
      dig((kilobytes << 10) / 8);
    });
    EXPECT_EQ(world.scheduler.run(), End::kFinished);
  }
}

std::byte* overflowing_top;
constexpr std::size_t kSmallStack = 128 << 10;

// The child's end: did the stack's own guard stop it?
void on_fault(int, siginfo_t* info, void*) {
  const auto fault = static_cast<std::byte*>(info->si_addr);
  const std::ptrdiff_t below = overflowing_top - fault;
  const auto size = static_cast<std::ptrdiff_t>(kSmallStack);
  const auto guard = static_cast<std::ptrdiff_t>(StackPool::kGuardBytes);
  _exit(below > size - guard / 2 && below <= size + guard ? 42 : 43);
}

void overflow_in_the_middle_of_others() {
  static std::array<char, 64 << 10> signal_stack;
  const stack_t alternative{
      .ss_sp = signal_stack.data(), .ss_flags = 0, .ss_size = signal_stack.size()};
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  World world({.stack_bytes = kSmallStack});
  for (int rank = 0; rank < 20; ++rank) {
    world.spawn(rank, [&, rank] {
      world.scheduler.advance(ps(100 - rank));
      if (rank != 10) return;
      // Not the address of a local, which ASan may keep on a stack of its own.
      overflowing_top = static_cast<std::byte*>(__builtin_frame_address(0));
      dig(~std::size_t{0});
    });
  }
  world.scheduler.run();
}

TEST(FibreStackDeathTest, AnOverflowHitsTheGuard) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(overflow_in_the_middle_of_others(), testing::ExitedWithCode(42), "");
}

long resident_pages() {
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident;
}

TEST(FibreStack, AHundredThousandFibresInWavesDoNotGrowTheProcess) {
  constexpr int kWave = test::kSanitized ? 100 : 1000;  // TSan takes milliseconds for a new one
  World world({.stack_bytes = 64 << 10});
  Scheduler& s = world.scheduler;
  long finished = 0;
  const auto wave = [&] {
    for (int i = 0; i < kWave; ++i) {
      world.spawn(i, [&, i] {
        s.advance(ps(1 + i % 3));
        s.at(s.now() + ps(4), {.rank = i}, [&, self = s.current()] { s.wake(self, s.now()); });
        EXPECT_EQ(s.park_until(s.now() + ps(100), Waiting()), Wake::kWoken);
        ++finished;
      });
    }
    EXPECT_EQ(s.run(), End::kFinished);
  };
  for (int i = 0; i < 100'000 / kWave / 10; ++i) wave();
  const long before = resident_pages();
  for (int i = 0; i < 100'000 / kWave / 10 * 9; ++i) wave();
  // Sanitizers keep what is freed.
  if (!test::kSanitized) {
    EXPECT_LT(resident_pages() - before, 256) << "pages";
  }
  EXPECT_EQ(finished, 100'000);
}

}  // namespace
}  // namespace tutti::ub
