#include "topology/placement.hpp"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/log.hpp"
#include "tests/unit/base/scoped_variable.hpp"

namespace tutti {
namespace {

// Nodes 0 and 2 with two processors each, and node 3 that has memory only.
class DescribedNodes : public testing::Test {
 protected:
  void SetUp() override {
    describe("online", "0,2-3");
    describe("node0/cpulist", "0-1");
    describe("node2/cpulist", "4,6");
    describe("node3/cpulist", "");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void describe(const std::string& file, const char* line) const {
    std::filesystem::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << line << '\n';
  }
  int node_of(const char* list) const {
    return tutti::node_of(parse_processors(list).value(), folder_);
  }

  std::filesystem::path folder_ = testing::TempDir() + "tutti_nodes_" + std::to_string(getpid());
};

TEST_F(DescribedNodes, ARankBelongsToTheNodeThatItCannotLeave) {
  EXPECT_EQ(node_of("0"), 0);
  EXPECT_EQ(node_of("0-1"), 0);
  EXPECT_EQ(node_of("4"), 2);
  EXPECT_EQ(node_of("4,6"), 2);
}

TEST_F(DescribedNodes, OneThatMayLeaveItBelongsToNone) {
  EXPECT_EQ(node_of("1,4"), -1);
  EXPECT_EQ(node_of("0-7"), -1);
  EXPECT_EQ(node_of("5"), -1);
  EXPECT_EQ(tutti::node_of({}, folder_), -1);
  EXPECT_EQ(tutti::node_of(parse_processors("0").value(), folder_ / "missing"), -1);
}

TEST(Placement, ThisThreadIsOnTheNodeOfItsProcessor) {
  EXPECT_GE(memory_nodes(), 1);
  if (!std::filesystem::exists("/sys/devices/system/node")) {
    GTEST_SKIP() << "this kernel describes no nodes";
  }
  const ProcessorSet allowed = processor_share().allowed;
  std::thread([&] {
    for (std::size_t cpu = 0; cpu < allowed.size(); ++cpu) {
      if (!allowed[cpu]) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
      EXPECT_EQ(node_of_this_thread(), node_of(processor_share().allowed));
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
  const int refusal = asked == 0 ? 0 : errno;
  munmap(memory, kBytes);
  if (refusal == ENOSYS || refusal == EPERM) {
    GTEST_SKIP() << "get_mempolicy is not to be had here: " << std::strerror(refusal);
  }
  ASSERT_EQ(refusal, 0) << std::strerror(refusal);
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
