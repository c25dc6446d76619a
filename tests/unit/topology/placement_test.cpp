#include "topology/placement.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/log.hpp"
#include "tests/unit/base/scoped_variable.hpp"

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

TEST(Placement, TheNodeIsThatOfTheAllowedProcessors) {
  HostTopology host;
  for (int cpu : allowed_cpus())
    if (cpu < HostTopology::kMaxCpus) host.node_of_cpu[cpu] = 6;
  EXPECT_EQ(node_of_this_thread(host), 6);
  EXPECT_EQ(node_of_this_thread(HostTopology()), -1);
  EXPECT_GE(node_of_this_thread(host_topology()), 0);
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
  HostTopology two_nodes = host_topology();
  two_nodes.nodes = 2;  // so that the kernel is asked on a machine with one node, too
  place_memory(memory_, kBytes, node_of_this_thread(host_topology()), two_nodes);
  static_cast<char*>(memory_)[kBytes - 1] = 1;
  EXPECT_EQ(static_cast<char*>(memory_)[kBytes - 1], 1);
}

TEST_F(PlacedMemory, ANodeThatIsNotThereIsOneWarning) {
  const std::string path = testing::TempDir() + "tutti_placement_" + std::to_string(getpid());
  {
    const ScopedVariable file("TUTTI_DEBUG_FILE", path.c_str());
    reread_log_environment();
    HostTopology many_nodes;
    many_nodes.nodes = 1000;
    place_memory(memory_, kBytes, 999, many_nodes);
    place_memory(memory_, kBytes, 998, many_nodes);
    many_nodes.nodes = 1;
    place_memory(memory_, kBytes, 997, many_nodes);
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
