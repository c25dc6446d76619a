#include "topology/host_topology.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <set>
#include <thread>

namespace tutti {
namespace {

TEST(HostTopology, DescribesThisMachineConsistently) {
  const HostTopology host = discover_host_topology();
  EXPECT_GE(host.cpus, sysconf(_SC_NPROCESSORS_ONLN));
  EXPECT_GE(host.cores, 1);
  EXPECT_LE(host.cores, host.cpus);
  EXPECT_GE(host.nodes, 1);
  int described = 0;
  std::set<int> caches;
  for (int cpu = 0; cpu < HostTopology::kMaxCpus; ++cpu) {
    described += host.node_of(cpu) >= 0;
    if (host.l3_of_cpu[cpu] >= 0) caches.insert(host.l3_of_cpu[cpu]);
  }
  EXPECT_EQ(described, std::min(host.cpus, HostTopology::kMaxCpus));
  EXPECT_EQ(static_cast<int>(caches.size()), host.l3_domains);
  EXPECT_EQ(host.node_of(-1), -1);
  EXPECT_EQ(host.node_of(HostTopology::kMaxCpus), -1);
}

TEST(HostTopology, AgreesWithTheKernelAboutNodes) {
  const std::filesystem::path nodes = "/sys/devices/system/node";
  if (!std::filesystem::exists(nodes)) GTEST_SKIP() << "no " << nodes;
  const HostTopology host = discover_host_topology();
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(nodes)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("node") || name.find_first_not_of("0123456789", 4) != std::string::npos)
      continue;
    ++count;
    for (int cpu = 0; cpu < HostTopology::kMaxCpus; ++cpu)
      if (host.node_of(cpu) >= 0 &&
          std::filesystem::exists(entry.path() / ("cpu" + std::to_string(cpu)))) {
        EXPECT_EQ(host.node_of(cpu), std::stoi(name.substr(4))) << "cpu " << cpu;
      }
  }
  EXPECT_EQ(host.nodes, count);
}

TEST(HostTopology, WhatARankDiscoveredAnotherAdopts) {
  HostTopology made_up;
  made_up.cpus = 777;
  made_up.nodes = 3;
  made_up.node_of_cpu[5] = 2;
  char bytes[sizeof(HostTopology)];
  std::memcpy(bytes, &made_up, sizeof(bytes));
  const pid_t child = fork();
  if (child == 0) {
    HostTopology received;
    std::memcpy(static_cast<void*>(&received), bytes, sizeof(bytes));
    adopt_host_topology(received);
    const HostTopology& known = host_topology();
    adopt_host_topology(HostTopology());
    _exit(known.cpus == 777 && known.nodes == 3 && known.node_of(5) == 2 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(HostTopology, IsDiscoveredOncePerProcess) {
  const HostTopology* seen[2] = {};
  std::thread first([&] { seen[0] = &host_topology(); });
  std::thread second([&] { seen[1] = &host_topology(); });
  first.join();
  second.join();
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_GE(seen[0]->cpus, 1);
}

}  // namespace
}  // namespace tutti
