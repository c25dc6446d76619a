#include "topology/placement.hpp"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/log.hpp"
#include "tests/unit/base/scoped_variable.hpp"
#include "topology/host_topology.hpp"

namespace tutti {
namespace {

TEST(Placement, AThreadBoundToOneProcessorHasOne) {
  const std::vector<int> before = allowed_cpus();
  ASSERT_FALSE(before.empty());
  EXPECT_TRUE(std::is_sorted(before.begin(), before.end()));
  EXPECT_GE(available_cpus(), 1);
  EXPECT_LE(available_cpus(), static_cast<int>(before.size()));
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(before.back()), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(allowed_cpus(), std::vector<int>{before.back()});
    EXPECT_EQ(available_cpus(), 1);
  }).join();
  EXPECT_EQ(allowed_cpus(), before);
}

TEST(Placement, ListsOfTheKernelAreCounted) {
  EXPECT_EQ(count_listed("0"), 1);
  EXPECT_EQ(count_listed("0-3"), 4);
  EXPECT_EQ(count_listed("0-3,8,10-11"), 7);
  for (const char* wrong : {"", "x", "3-1", "1,", "1-", "1;2", "-1"}) {
    EXPECT_EQ(count_listed(wrong), 0) << wrong;
  }
}

TEST(Placement, NodesAreThoseThatTheTopologyShows) {
  EXPECT_GE(memory_nodes(), 1);
  EXPECT_LE(memory_nodes(), host_topology().nodes);
  const std::vector<int> cpus = allowed_cpus();
  std::thread([&] {
    for (const int cpu : cpus) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(static_cast<unsigned>(cpu), &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
      EXPECT_EQ(node_of_this_thread(), host_topology().node_of(cpu));
    }
  }).join();
}

// The policy of a shared file's pages, as the kernel tells it.
TEST(Placement, SharedMemoryPrefersTheNodeWhoeverTouchesIt) {
  constexpr std::size_t kBytes = 1 << 20;
  void* const memory =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const int node = node_of_this_thread();
  place_memory(memory, kBytes, node, 2);
  int policy = -1;
  unsigned long mask[16] = {};
  const long asked =
      syscall(SYS_get_mempolicy, &policy, mask, sizeof(mask) * 8, memory, MPOL_F_ADDR);
  munmap(memory, kBytes);
  if (asked != 0) GTEST_SKIP() << "this kernel tells no policies";
  EXPECT_EQ(policy, MPOL_PREFERRED);
  EXPECT_EQ(mask[0], 1UL << node);
}

class PlacedMemory : public testing::Test {
 protected:
  void SetUp() override {
    memory_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory_, MAP_FAILED);
  }
  void TearDown() override { munmap(memory_, kBytes); }

  static constexpr std::size_t kBytes = 1 << 20;
  void* memory_ = nullptr;
};

TEST_F(PlacedMemory, StaysUsable) {
  // Of two nodes, so that the kernel is asked on a machine with one, too.
  place_memory(memory_, kBytes, node_of_this_thread(), 2);
  place_near_this_thread(memory_, kBytes);
  static_cast<char*>(memory_)[kBytes - 1] = 1;
  EXPECT_EQ(static_cast<char*>(memory_)[kBytes - 1], 1);
}

TEST_F(PlacedMemory, ANodeThatIsNotThereIsOneWarning) {
  const std::string path = testing::TempDir() + "tutti_placement_" + std::to_string(getpid());
  {
    const ScopedVariable file("TUTTI_DEBUG_FILE", path.c_str());
    reread_log_environment();
    place_memory(memory_, kBytes, 999, 1000);
    place_memory(memory_, kBytes, 998, 1000);
    place_memory(memory_, kBytes, 997, 1);
  }
  reread_log_environment();
  std::ifstream file(path);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_NE(line.find("cannot be placed on NUMA node 999"), std::string::npos) << line;
  EXPECT_FALSE(std::getline(file, line)) << line;
  unlink(path.c_str());
}

}  // namespace
}  // namespace tutti
