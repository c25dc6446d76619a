#include "base/cgroup.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tutti {
namespace {

class CgroupFiles : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  Cgroups cgroups() const { return Cgroups(root_ / "membership", root_ / "mount"); }

  const std::filesystem::path root_ =
      std::filesystem::path(testing::TempDir()) / ("tutti_cgroup_" + std::to_string(getpid()));
};

TEST_F(CgroupFiles, WithoutLimitsThereIsNothing) {
  EXPECT_EQ(cgroups().memory_left(), std::nullopt);
  write("membership", "0::/a\n");
  write("mount/a/memory.max", "max\n");
  write("mount/a/memory.current", "5\n");
  write("mount/a/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroups().memory_left(), std::nullopt);
  EXPECT_EQ(cgroups().cpu_quota(), std::nullopt);
}

TEST_F(CgroupFiles, TheTightestLimitUpToTheRootCounts) {
  write("membership", "0::/a/b\n");
  write("mount/a/b/memory.max", "1000\n");
  write("mount/a/b/memory.current", "100\n");
  write("mount/a/memory.max", "500\n");
  write("mount/a/memory.current", "300\n");
  write("mount/a/memory.stat", "anon 250\ninactive_file 40\nfile 50\n");
  write("mount/a/b/cpu.max", "300000 100000\n");
  write("mount/cpu.max", "150000 100000\n");
  EXPECT_EQ(cgroups().memory_left(), 240u);
  EXPECT_EQ(cgroups().cpu_quota(), 1.5);
}

TEST_F(CgroupFiles, UseAboveTheLimitLeavesNothing) {
  write("membership", "0::/\n");
  write("mount/memory.max", "100\n");
  write("mount/memory.current", "120\n");
  EXPECT_EQ(cgroups().memory_left(), 0u);
}

TEST_F(CgroupFiles, VersionOneHasAHierarchyPerController) {
  write("membership", "7:memory:/x\n3:cpu,cpuacct:/y\n1:name=systemd:/\nnonsense\n");
  write("mount/memory/x/memory.limit_in_bytes", "1000\n");
  write("mount/memory/x/memory.usage_in_bytes", "400\n");
  write("mount/memory/x/memory.stat", "inactive_file 1\ntotal_inactive_file 50\n");
  write("mount/cpu/y/cpu.cfs_quota_us", "50000\n");
  write("mount/cpu/y/cpu.cfs_period_us", "100000\n");
  write("mount/cpu/cpu.cfs_quota_us", "-1\n");
  write("mount/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroups().memory_left(), 650u);
  EXPECT_EQ(cgroups().cpu_quota(), 0.5);
}

}  // namespace
}  // namespace tutti
